"""Dives summed up as they happen, durably, for the messages that a satellite carries first."""
