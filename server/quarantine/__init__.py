"""What was set aside: looked at, repaired, taken in after all, or discarded, never lost."""
