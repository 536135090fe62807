"""The files of an instrument's private keys: the one in use, and the next one while it changes.

Invariant: at every instant, a power cut included, the key in use is one that the shore accepts. The
next key is durable before the shore hears of it; it takes the place of the old one, in one rename,
only after the shore has said that it accepts both.

Example:
    >>> prepare_next(Path("data/identity"))  # the agent's next hello does the rest
"""

import logging
import os
from pathlib import Path

from edge.files import sync_folder, write_atomic
from wire.signing import PrivateKey

log = logging.getLogger("seadrift.identity")

KEY = "key"
NEXT = "key.next"


class IdentityError(Exception):
    """The identity's files cannot be used; the message names the file."""


class DamagedError(IdentityError):
    """A file that is there and makes no sense."""

    def __init__(self, path: Path, message: str) -> None:
        super().__init__(f"{path}: {message}")
        self.path = path


def load_or_make(folder: Path) -> PrivateKey:
    """The key in `folder`, made on the first call. Raises IdentityError, OSError."""
    path = folder / KEY
    if not path.exists():
        write_key(path)
    if path.stat().st_mode & 0o077:
        log.warning("%s: others could read the private key; now only its owner can", path)
        path.chmod(0o600)
    return read_key(path)


def write_key(path: Path) -> None:
    """A new key, durable, for its owner's eyes alone."""
    write_atomic(path, PrivateKey.make().raw.hex().encode(), mode=0o600)


def read_key(path: Path) -> PrivateKey:
    """Raises IdentityError, DamagedError."""
    try:
        raw = bytes.fromhex(path.read_text())
    except OSError as error:
        raise IdentityError(f"{path}: cannot be read: {error}") from error
    except ValueError as error:
        raise DamagedError(path, f"not a private key: {error}") from error
    if len(raw) != 32:
        raise DamagedError(path, f"expected a key of 32 bytes, got {len(raw)}")
    return PrivateKey(raw)


def prepare_next(folder: Path) -> None:
    """Make the next key; one that waits already stays, since the shore may know it."""
    if not (folder / NEXT).exists():
        write_key(folder / NEXT)


def next_key(folder: Path) -> PrivateKey | None:
    """The next key while it waits; one that a card has damaged is given up, the key in use stays.
    Raises IdentityError, OSError."""
    path = folder / NEXT
    try:
        return read_key(path) if path.exists() else None
    except DamagedError as error:
        log.warning("%s; the key in use stays", error)
        drop_next(folder)
        return None


def use_next(folder: Path) -> PrivateKey:
    """The shore accepts the next key: from now on it is the key. Raises IdentityError, OSError."""
    os.replace(folder / NEXT, folder / KEY)
    sync_folder(folder)
    return read_key(folder / KEY)


def drop_next(folder: Path) -> None:
    """The shore will not have the next key."""
    (folder / NEXT).unlink(missing_ok=True)
    sync_folder(folder)
