"""Who this instrument is: a key pair that never leaves it, and what the shore said at enrolment.

The private key is made here, on the first start, in a file that only its owner can read. The shore
learns the public half once, with a claim token. Requests carry a counter that only rises; it is
reserved on disk in blocks, so that a power cut skips numbers and never repeats one.

Example:
    >>> identity = Identity.load_or_make(Path("data/identity"))
    >>> identity.enrolment is None
    True
"""

import base64
import contextlib
import hashlib
import json
import logging
import os
import ssl
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from edge import keys
from edge.certificate import CertificateError, check, context, due
from edge.files import sync_folder, write_atomic
from edge.keys import KEY, DamagedError, IdentityError
from wire.checked import FieldError, read
from wire.signing import (
    NextKey,
    PrivateKey,
    PublicKey,
    SignatureError,
    prove_key,
    sign_request,
)

__all__ = ["DamagedError", "Enrolment", "Identity", "IdentityError", "RequestCounter"]

log = logging.getLogger("seadrift.identity")

CERTIFICATE = "certificate.pem"
ENROLMENT = "enrolment.json"
COUNTER = "counter"
WIPED = "wiped"
WIPED_SAID = "the shore had this instrument's keys wiped"
COUNTER_MAX = 10**17
BLOCK = 1000
"""Request numbers reserved on disk at a time."""


@dataclass(frozen=True)
class Enrolment:
    """What the shore answered to the claim, of which the hash is kept."""

    device_id: str
    release_key: str
    claim_sha256: str
    link_key: str = ""
    """base64 of 32 bytes: the secret that short satellite messages are authenticated with."""

    @property
    def secret(self) -> bytes:
        """The link key, nothing when the shore gave none. Raises ValueError."""
        return base64.b64decode(self.link_key, validate=True)

    @property
    def key(self) -> PublicKey:
        """The key that signs releases and assignments. Raises SignatureError."""
        return PublicKey.from_text(self.release_key)


class Identity:
    """The key, the enrolment and the request counter, in one folder."""

    def __init__(self, folder: Path, key: PrivateKey, enrolment: Enrolment | None) -> None:
        self.folder = folder
        self._key = key
        self.enrolment = enrolment
        self._counter = RequestCounter(folder / COUNTER)
        self._certificate = _read_certificate(folder / CERTIFICATE)

    @classmethod
    def load_or_renew(cls, folder: Path) -> "Identity":
        """The same, for an instrument alone at sea: what is damaged is kept aside, for without an
        identity it can still measure. A lost enrolment comes back by the claim; a lost key means
        that a person must make another claim. Raises IdentityError, OSError."""
        try:
            return cls.load_or_make(folder)
        except DamagedError as error:
            log.error("%s; set aside, to be enrolled anew: until then records wait here", error)
            lost = (KEY, ENROLMENT) if error.path.name == KEY else (ENROLMENT,)
            for name in lost:
                with contextlib.suppress(FileNotFoundError):
                    os.replace(folder / name, folder / f"{name}.damaged")
            sync_folder(folder)
            return cls.load_or_make(folder)

    @classmethod
    def load_or_make(cls, folder: Path) -> "Identity":
        """The identity in `folder`, its key made on the first call. Raises IdentityError."""
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if (folder / WIPED).exists():
            identity = cls(folder, PrivateKey(bytes(32)), None)
            identity.wipe()  # to the end, if the power went out on the way
            return identity
        key = keys.load_or_make(folder)
        return cls(folder, key, _read_enrolment(folder / ENROLMENT))

    @classmethod
    def passing(cls) -> "Identity":
        """One that is not kept: for asking a shore what needs no signature."""
        return cls(Path("/nonexistent"), PrivateKey.make(), None)

    @property
    def public(self) -> PublicKey:
        return self._key.public

    @property
    def wiped(self) -> bool:
        """Whether the shore had the keys destroyed, and nobody took that back."""
        return (self.folder / WIPED).exists()

    @property
    def remedy(self) -> str:
        """What a person does to use a wiped instrument again."""
        return f"remove {self.folder / WIPED} and give it a new claim to use it again"

    def needs(self, claim: str) -> bool:
        """Whether this claim is still to be made: the shore's address may change, a new claim
        means a new enrolment. Raises IdentityError when the keys were wiped."""
        if self.wiped:
            raise IdentityError(f"{WIPED_SAID}; {self.remedy}")
        if self.enrolment is None:
            return True
        return bool(claim) and self.enrolment.claim_sha256 != _digest(claim)

    def enrol(self, device_id: str, release_key: str, claim: str, link_key: str = "") -> None:
        """Keep the shore's answer. Raises SignatureError when its release key is not a key,
        ValueError when its link key is not base64."""
        enrolment = Enrolment(device_id, release_key, _digest(claim), link_key)
        _ = enrolment.key, enrolment.secret
        data = json.dumps(asdict(enrolment), indent=1).encode()
        write_atomic(self.folder / ENROLMENT, data, mode=0o600)
        self.enrolment = enrolment

    @property
    def certificate(self) -> str:
        """The shore's certificate for the present key, then its authority's, PEM; "" without."""
        try:
            check(self._certificate, self.public)
        except CertificateError:
            return ""
        return self._certificate

    def certificate_due(self, now_ms: int) -> bool:
        """Whether the shore should be asked for a certificate, the first or another."""
        return not self.certificate or due(self.certificate, now_ms)

    def keep_certificate(self, pem: str) -> None:
        """Keep what the shore issued. Raises CertificateError when it is not for this key."""
        check(pem, self.public)
        write_atomic(self.folder / CERTIFICATE, pem.encode(), mode=0o600)
        self._certificate = pem

    def tls(self, ca: Path | None) -> ssl.SSLContext:
        """TLS as this instrument, trusting the authorities in `ca`, by default the shore's own.
        Raises IdentityError without a certificate, OSError, ssl.SSLError."""
        if not self.certificate:
            raise IdentityError(
                "no certificate yet: the shore gives it over HTTPS, set [shore] url for that"
            )
        return context(self.certificate, self._key, ca)

    @property
    def key_changes(self) -> bool:
        """Whether a next key waits to be announced."""
        return (self.folder / keys.NEXT).exists()

    def announcement(self) -> NextKey | None:
        """The next key, for the shore, while one waits. Raises IdentityError."""
        new = keys.next_key(self.folder) if self.enrolment else None
        if new is None or self.enrolment is None:
            return None
        return NextKey(new.public.text, prove_key(new, self.enrolment.device_id, self.public))

    def use_next(self) -> None:
        """The shore accepts the next key: it is the key from now on. Raises IdentityError."""
        self._key = keys.use_next(self.folder)

    def drop_next(self) -> None:
        """The shore will not have the next key."""
        keys.drop_next(self.folder)

    def renew(self) -> None:
        """Another key for another enrolment: the shore takes this one no more."""
        keys.drop_next(self.folder)
        keys.write_key(self.folder / keys.KEY)
        self._key = keys.read_key(self.folder / keys.KEY)

    def wipe(self) -> None:
        """Destroy every secret, overwritten before it is removed: the instrument signs nothing and
        sends nothing from now on, also after a restart, until a person removes WIPED."""
        write_atomic(self.folder / WIPED, b"by the shore's command\n")
        self.enrolment, self._key = None, PrivateKey(bytes(32))
        self._certificate = ""
        for path in sorted(self.folder.iterdir()):
            if path.is_file() and path.name not in (WIPED, COUNTER):
                with contextlib.suppress(OSError):
                    path.write_bytes(bytes(path.stat().st_size))
                    _flush(path)
                path.unlink()
        sync_folder(self.folder)

    def skip_ahead(self) -> None:
        """The shore refused a counter that has not risen."""
        self._counter.skip()

    def sign(self, method: str, path: str, body: bytes) -> dict[str, str]:
        """The headers of a signed request. Raises IdentityError before enrolment, and for ever
        once the keys were wiped."""
        if self.enrolment is None and self.wiped:
            raise IdentityError(f"{WIPED_SAID}; {self.remedy}")
        if self.enrolment is None:
            raise IdentityError("not enrolled yet: the shore has not taken this instrument's claim")
        number = self._counter.next()
        return sign_request(self._key, self.enrolment.device_id, number, method, path, body)


class RequestCounter:
    """Numbers that only rise, through any number of power cuts."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._guard = threading.Lock()
        self._next = self._stored()
        self._reserved = self._next

    def next(self) -> int:
        """The next number. Raises OSError when a block cannot be reserved."""
        with self._guard:
            if self._next >= self._reserved:
                write_atomic(self._path, str(self._next + BLOCK).encode())
                self._reserved = self._next + BLOCK
            number = self._next
            self._next += 1
            return number

    def skip(self) -> None:
        """Go far ahead: the shore has seen this number before (the file was restored or lost)."""
        with self._guard:
            self._next = min(COUNTER_MAX, max(2 * self._next, time.time_ns() // 1_000_000))
            self._reserved = self._next

    def _stored(self) -> int:
        """The first number that was never reserved; if that is lost, a number far above it."""
        try:
            return int(self._path.read_text())
        except FileNotFoundError:
            return 1
        except (OSError, ValueError):
            log.warning("%s: damaged; counting on from the time in milliseconds", self._path)
            return time.time_ns() // 1_000_000


def _read_certificate(path: Path) -> str:
    """What is there, or "": another can be asked for."""
    try:
        return path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError):
        return ""


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _digest(claim: str) -> str:
    return hashlib.sha256(claim.encode()).hexdigest()


def _read_enrolment(path: Path) -> Enrolment | None:
    try:
        enrolment = read(Enrolment, json.loads(path.read_text()))
        _ = enrolment.key, enrolment.secret
    except FileNotFoundError:
        return None
    except OSError as error:
        raise IdentityError(f"{path}: cannot be read: {error}") from error
    except (ValueError, FieldError, SignatureError) as error:
        raise DamagedError(path, f"damaged ({error}); remove it and enrol again") from error
    return enrolment
