"""Administration: users and the audit log, practitioners and their hours, kinds of visit, rooms and the clinic itself."""
