"""Tests of ClinicDesk; the folders mirror those of the program."""
