"""Random tokens: given out once, kept as their SHA-256 alone.

Example:
    >>> token = new_token()
    >>> len(token_hash(token))
    32
"""

import hashlib
import secrets

PERSONAL = "seadrift_"
"""How personal tokens begin, so that scanners of leaked secrets know one."""


def new_token() -> str:
    """256 random bits as text for a header, a cookie or a config file."""
    return secrets.token_urlsafe(32)


def new_personal_token() -> str:
    return PERSONAL + new_token()


def token_hash(token: str) -> bytes:
    """What the database keeps. Looking it up by hash leaks nothing about the token by its
    timing."""
    return hashlib.sha256(token.encode()).digest()
