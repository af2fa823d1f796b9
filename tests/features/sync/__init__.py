"""Tests of sync at the service."""
