"""The running shore: what every request is given. Made once, by `open_shore`.

First start makes the folders, the release key and the certificate authority (both 0600), the
tables, the starter taxonomy, the administrator, and registers the factory release, signed. Later
starts find them.

Example:
    >>> shore = open_shore(Settings(data=Path("shore")), admin=Admin.from_environment(os.environ))
"""

import base64
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from server.auth.attempts import Attempts
from server.auth.authority import Authority
from server.auth.files import made_once
from server.auth.passwords import hash_password
from server.auth.throttle import Throttle
from server.clock import now_ms
from server.db import taxa, users
from server.db.engine import Database
from server.fleet.registry import register_factory
from server.intake.batch import Stores
from server.limits import Limits
from server.satellite.keys import LinkKeys
from server.settings import Settings
from server.store.blobs import BlobFiles
from server.store.opened import open_packs
from server.store.packs import Packs
from server.store.user_files import UserFiles
from server.taxonomy.starter import plant
from wire.signing import PrivateKey

FIVE_MIN_MS = 300_000


@dataclass(frozen=True)
class Admin:
    """The first administrator. `password` None: a random one is made and shown once."""

    email: str = "admin@localhost"
    password: str | None = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Admin":
        return cls(
            environment.get("SEADRIFT_ADMIN_EMAIL") or "admin@localhost",
            environment.get("SEADRIFT_ADMIN_PASSWORD") or None,
        )


@dataclass(frozen=True)
class Shore:
    settings: Settings
    database: Database
    packs: Packs
    blobs: BlobFiles
    release_key: PrivateKey
    authority: Authority
    link_keys: LinkKeys
    first_password: str | None = None
    """The administrator's random password, at the very first start alone."""
    limits: Limits = field(default_factory=lambda: Limits.of(0.0))
    logins: Throttle = field(default_factory=Throttle)
    gateways: Attempts = field(default_factory=lambda: Attempts(10, FIVE_MIN_MS))
    enrolments: Attempts = field(default_factory=lambda: Attempts(10, FIVE_MIN_MS))

    @property
    def user_files(self) -> UserFiles:
        settings = self.settings
        return UserFiles(settings.user_files, settings.upload_max, settings.user_files_max)

    @property
    def stores(self) -> Stores:
        return Stores(self.database, self.packs)

    def close(self) -> None:
        self.packs.close()
        self.database.close()


def open_shore(settings: Settings, admin: Admin) -> Shore:
    """Open what is there and make what is missing. Raises DatabaseError, OSError, PasswordError."""
    if settings.restoring.exists():
        raise OSError(f"{settings.data} is half restored: run `seadrift restore` again to its end")
    settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    key = _load_key(settings.release_key)
    authority = Authority.load_or_make(settings.authority)
    link_keys = LinkKeys.load_or_make(settings.keys)
    packs = open_packs(settings)
    database = Database.open(settings.database_url, settings.write_lock)
    password = _first_administrator(database, admin)
    with database.write() as connection:
        if taxa.is_empty(connection):
            plant(connection, now_ms())
    register_factory(database, settings.releases, key, now_ms())
    limits = Limits.of(settings.requests_per_s)
    return Shore(
        settings,
        database,
        packs,
        BlobFiles(settings.blobs),
        key,
        authority,
        link_keys,
        first_password=password,
        limits=limits,
    )


def _first_administrator(database: Database, admin: Admin) -> str | None:
    """Make the administrator of an empty database; the password if it was made up here."""
    with database.read() as connection:
        if users.all_users(connection):
            return None
    password = admin.password or secrets.token_urlsafe(12)
    hashed = hash_password(password, admin.email)
    with database.write() as connection:
        if users.all_users(connection):
            return None
        users.add(
            connection,
            email=admin.email,
            name="Administrator",
            role="administrator",
            password_hash=hashed,
            now_ms=now_ms(),
        )
    return None if admin.password else password


def _load_key(path: Path) -> PrivateKey:
    """The fleet's release key, made at the first start; only its owner can read the file."""
    raw = base64.b64decode(made_once(path, lambda: base64.b64encode(PrivateKey.make().raw) + b"\n"))
    if len(raw) != 32:
        raise OSError(f"{path}: expected a release key of 32 bytes, found {len(raw)}")
    return PrivateKey(raw)
