"""The factory release: what an instrument runs before anyone sent it anything, and what it falls
back to."""

from __future__ import annotations

from pathlib import Path


def path() -> Path:
    """The file of the factory bundle."""
    return Path(__file__).with_name("spc.seadrift")
