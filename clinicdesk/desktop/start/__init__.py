"""What comes before the desk: opening the data, the first start, and what to do where it will not open."""
