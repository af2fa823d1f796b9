"""Visits: book, move, cancel, advance, undo; types; openings; no two that overlap."""
