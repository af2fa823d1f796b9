"""What a patient takes: prescriptions, warnings before one is signed, and reminders to take it."""
