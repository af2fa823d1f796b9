"""What every feature stands on: the database, the unit of work, the audit trail. Knows no feature."""
