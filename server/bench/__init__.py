"""What the shore can take, measured on this machine: `make bench-intake`."""
