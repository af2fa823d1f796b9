"""Conversations between the people of a clinic."""
