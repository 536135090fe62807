"""Link keys of devices, and the secret of the address that a gateway pushes to.

A link key is derived from the device's id and one master secret in a file that its owner alone can
read, and is stored nowhere: a copy of the database, on another host or in a backup, authenticates
nothing; a repeated enrolment gets the same key again; a new enrolment, a new id, another one.

Example:
    >>> keys = LinkKeys.load_or_make(Path("shore/keys"))
    >>> len(keys.of("d1"))
    32
"""

import hmac
import secrets
from dataclasses import dataclass
from pathlib import Path

from server.auth.files import made_once

MASTER = "link.key"
GATEWAY = "gateway.secret"


@dataclass(frozen=True, repr=False)
class LinkKeys:
    """Never logged."""

    master: bytes
    gateway: str

    @classmethod
    def load_or_make(cls, folder: Path) -> "LinkKeys":
        """Raises OSError."""
        text = made_once(folder / MASTER, lambda: secrets.token_hex(32).encode() + b"\n")
        gateway = made_once(folder / GATEWAY, lambda: secrets.token_urlsafe(24).encode() + b"\n")
        try:
            master = bytes.fromhex(text.decode())
        except ValueError as error:
            raise OSError(f"{folder / MASTER}: expected 64 hex digits") from error
        if len(master) != 32:
            raise OSError(f"{folder / MASTER}: expected 64 hex digits")
        return cls(master, gateway.decode().strip())

    def of(self, device_id: str) -> bytes:
        """The device's link key, 32 bytes."""
        return hmac.digest(self.master, b"seadrift-link-1\n" + device_id.encode(), "sha256")

    def __repr__(self) -> str:
        return "LinkKeys(...)"
