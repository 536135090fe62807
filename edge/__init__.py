"""What runs on the instrument: from a frame to a record on its way to shore."""
