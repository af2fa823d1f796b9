"""Reads the audit trail for people: the log, one patient's access log, and its verification."""
