"""The shore's side of a satellite gateway: what it pushes, and what is handed to it."""
