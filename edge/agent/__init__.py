"""The agent: the loop that turns frames into records, and the thread that brings them to shore."""
