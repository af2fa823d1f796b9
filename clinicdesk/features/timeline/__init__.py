"""What happened with a patient, from every feature that has something to tell, in one list by date."""
