"""Decisions about projects: what they are set to, what of an object they show."""
