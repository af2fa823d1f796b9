"""Today: the calendar by day, week, month and list, booking, and the keys that act on a visit."""
