"""The shore's settings: one frozen dataclass, made by the command line and passed in everywhere.

Example:
    >>> Settings(data=Path("shore")).database_url
    'sqlite:///shore/seadrift.db'
"""

import ipaddress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from wire.codec import BATCH_MAX


class SettingsError(ValueError):
    """A setting that cannot be used; the message says what to write instead."""


@dataclass(frozen=True)
class Settings:
    """`data` holds the database, the packs, the releases and the keys, unless `database` says
    otherwise."""

    data: Path
    host: str = "127.0.0.1"
    port: int = 8765
    tls_cert: Path | None = None
    tls_key: Path | None = None
    database: str | None = None
    proxies: tuple[str, ...] = ()
    """Addresses or networks of proxies: what they say of the client (X-Forwarded-For and -Proto) is
    believed, from nobody else."""
    requests_per_s: float = 300.0
    """What one address may ask for long; one person or device a third of it. 0: no limit."""
    session_h: int = 24 * 14
    """A login ends after so long, hours; or when it was not used for `idle_h`."""
    idle_h: int = 24 * 3
    body_max: int = 1 << 20
    """Largest body of a person's request, bytes."""
    batch_max: int = BATCH_MAX
    """Largest body of a device's request, bytes."""
    upload_max: int = 8 << 30
    """Largest file that a person hands in, bytes."""
    user_files_max: int = 64 << 30
    """All files of one person together, bytes."""
    pack_max: int = 256 << 20
    """A pack longer than this is closed and the next one begun, bytes."""
    packs_url: str = ""
    """s3://BUCKET/PREFIX instead of the folder; credentials are in the environment."""
    packs_endpoint: str = ""
    """The address of a store that is not AWS's own."""
    packs_region: str = ""

    satellite_gateway: str = ""
    """Where messages down are posted, the form of RockBLOCK's; its login is in the environment."""
    satellite_jwt_key: Path | None = None
    """The gateway's public key, PEM: pushes must then carry its signature."""

    @property
    def database_url(self) -> str:
        return self.database or f"sqlite:///{self.data / 'seadrift.db'}"

    @property
    def packs(self) -> Path:
        return self.data / "packs"

    @property
    def blobs(self) -> Path:
        return self.data / "blobs"

    @property
    def releases(self) -> Path:
        return self.data / "releases"

    @property
    def jobs(self) -> Path:
        """What jobs write: their logs and files."""
        return self.data / "jobs"

    @property
    def user_files(self) -> Path:
        """What people handed in, a folder for each."""
        return self.data / "user_files"

    @property
    def restoring(self) -> Path:
        """A note that lies there until `seadrift restore` has come to its end."""
        return self.data / "restoring"

    @property
    def similar(self) -> Path:
        """Indexes of objects like one another; derived, may be deleted."""
        return self.data / "similar"

    @property
    def keys(self) -> Path:
        return self.data / "keys"

    @property
    def release_key(self) -> Path:
        return self.data / "keys" / "release.key"

    @property
    def authority(self) -> Path:
        return self.data / "keys" / "authority.pem"

    @property
    def broker(self) -> Path:
        """What `seadrift broker` writes for a Mosquitto of this shore."""
        return self.data / "broker"

    @property
    def write_lock(self) -> Path:
        return self.data / "write.lock"

    @property
    def tls(self) -> bool:
        return self.tls_cert is not None and self.tls_key is not None

    @property
    def local(self) -> bool:
        """Whether this machine's own programs and browsers alone are served."""
        return is_loopback(self.host) and not self.tls and not self.proxies

    @property
    def address(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.tls else 'http'}://{host}:{self.port}"

    def check(self) -> None:
        """Raises SettingsError for what must not be served."""
        if (self.tls_cert is None) != (self.tls_key is None):
            raise SettingsError("--tls-cert and --tls-key belong together: give both or neither")
        for flag, path in (("--tls-cert", self.tls_cert), ("--tls-key", self.tls_key)):
            if path is not None and not path.is_file():
                raise SettingsError(f"{flag} {path}: no such file")
        for proxy in self.proxies:
            try:
                ipaddress.ip_network(proxy)
            except ValueError as error:
                raise SettingsError(
                    f"--proxy {proxy}: expected an address or a network, as 127.0.0.1"
                ) from error
        if not 0 <= self.requests_per_s < 1e9:
            raise SettingsError(f"--rate {self.requests_per_s}: expected 0 (no limit) or more")
        self.check_packs()
        _check_https("--satellite-gateway", self.satellite_gateway)
        if not self.tls and not is_loopback(self.host):
            raise SettingsError(
                f"--host {self.host} can be reached from other machines, where passwords and data "
                "would travel in clear: add --tls-cert CERT.pem --tls-key KEY.pem, or keep "
                "--host 127.0.0.1 behind a proxy that does TLS"
            )

    def check_packs(self) -> None:
        """Raises SettingsError for packs that cannot be reached so, or only in clear."""
        parts = urlsplit(self.packs_url)
        if self.packs_url and not (parts.scheme == "s3" and parts.netloc and not parts.query):
            raise SettingsError(
                f"--packs {self.packs_url}: expected s3://BUCKET or s3://BUCKET/PREFIX"
            )
        if (self.packs_endpoint or self.packs_region) and not self.packs_url:
            raise SettingsError("--packs-endpoint and --packs-region belong to --packs s3://BUCKET")
        _check_https("--packs-endpoint", self.packs_endpoint)


def _check_https(flag: str, address: str) -> None:
    """Secrets travel by TLS, or stay on this machine."""
    parts = urlsplit(address)
    local = parts.scheme == "http" and is_loopback(parts.hostname or "")
    if address and not (parts.scheme == "https" or local):
        raise SettingsError(f"{flag} {address}: expected an https address")


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches `host`."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
