"""Who is in whose care: which records a clinician reaches, and how that is overridden in an emergency."""
