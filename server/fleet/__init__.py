"""Releases to instruments: registering, signing, assigning."""
