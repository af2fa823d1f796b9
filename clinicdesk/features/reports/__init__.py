"""Figures of the clinic: use of hours, missed and cancelled visits, waits and demand."""
