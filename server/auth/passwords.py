"""Passwords as argon2id hashes; a check takes as long for a user who does not exist.

A hash costs 64 MiB on purpose, so only two are made at a time: strangers who all try at once wait
their turn, and those who would wait long are sent away.

Example:
    >>> fits(hash_password("correct horse"), "correct horse")
    True
"""

import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

LENGTH_MIN = 8
LENGTH_MAX = 200
PATIENCE_S = 3.0
_HASHER = PasswordHasher()
_TURNS = threading.BoundedSemaphore(2)

WORST = frozenset(Path(__file__).with_name("worst.txt").read_text("ascii").split())
"""What is tried first, by everyone, in lower case."""


class PasswordError(ValueError):
    """A password that cannot be taken; the message says why."""


class TooManyError(RuntimeError):
    """So many passwords are being checked that this one would wait too long."""


def hash_password(password: str, email: str = "") -> str:
    """The argon2id hash to store. Raises PasswordError for a password that is easily guessed."""
    if not LENGTH_MIN <= len(password) <= LENGTH_MAX:
        raise PasswordError(f"a password has {LENGTH_MIN} to {LENGTH_MAX} characters")
    plain = password.strip().lower()
    if plain in WORST or len(set(plain)) < 3:
        raise PasswordError("this password is among the first that anyone tries: choose another")
    if email and plain in (email.lower(), email.lower().partition("@")[0]):
        raise PasswordError("a password must not be the address")
    with _turn():
        return _HASHER.hash(password)


def fits(stored: str | None, password: str) -> bool:
    """Whether the password is the stored one; with None it is not, after the same work. Raises
    TooManyError."""
    if len(password) > LENGTH_MAX:
        return False
    nobody = _nobody()
    with _turn():
        try:
            return _HASHER.verify(stored or nobody, password) and stored is not None
        except (VerificationError, InvalidHashError):
            return False


def outdated(stored: str) -> bool:
    """Whether a hash was made with other parameters than today's, and is to be made again."""
    return _HASHER.check_needs_rehash(stored)


@contextmanager
def _turn() -> Iterator[None]:
    if not _TURNS.acquire(timeout=PATIENCE_S):
        raise TooManyError("too many passwords are being checked at this moment")
    try:
        yield
    finally:
        _TURNS.release()


@cache
def _nobody() -> str:
    return _HASHER.hash(secrets.token_hex(16))
