"""What was measured of a patient: vital signs and the like, with units, plausible limits and reference ranges."""
