"""What a clinic does, a folder each, lowest first: audit, users, practitioners, patients, appointments, interop, demo."""
