"""Learning again from what people validated: the head alone, in seconds, without torch."""
