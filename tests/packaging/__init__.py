"""The packages, their limits, and one of them deployed."""
