"""The people the clinic cares for: register, search, edit, duplicates, allergies."""
