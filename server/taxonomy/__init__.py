"""The taxonomy that a new shore starts with."""
