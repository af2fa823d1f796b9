"""The clinic, its people, sites and rooms, and when they work."""
