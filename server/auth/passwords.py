"""Passwords as argon2id hashes; a check takes as long for a user who does not exist.

Example:
    >>> fits(hash_password("correct horse"), "correct horse")
    True
"""

import secrets
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

LENGTH_MIN = 8
LENGTH_MAX = 200
_HASHER = PasswordHasher()


class PasswordError(ValueError):
    """A password that cannot be taken; the message says why."""


def hash_password(password: str) -> str:
    """The argon2id hash to store. Raises PasswordError."""
    if not LENGTH_MIN <= len(password) <= LENGTH_MAX:
        raise PasswordError(f"a password has {LENGTH_MIN} to {LENGTH_MAX} characters")
    return _HASHER.hash(password)


def fits(stored: str | None, password: str) -> bool:
    """Whether the password is the stored one; with None it is not, after the same work."""
    if len(password) > LENGTH_MAX:
        return False
    try:
        return _HASHER.verify(stored or _nobody(), password) and stored is not None
    except (VerificationError, InvalidHashError):
        return False


@cache
def _nobody() -> str:
    return _HASHER.hash(secrets.token_hex(16))
