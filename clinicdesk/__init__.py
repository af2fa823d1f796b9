"""ClinicDesk: the program that a clinic's front desk keeps open all day."""

__version__ = "0.1.0"
