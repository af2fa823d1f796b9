"""The desktop program: PySide6 windows over the services of the features."""
