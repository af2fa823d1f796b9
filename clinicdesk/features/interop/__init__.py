"""Brings patients and past visits in, and takes them out: FHIR R4 and CSV."""
