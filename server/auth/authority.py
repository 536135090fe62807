"""The shore's own certificate authority: certificates for devices, brokers and workers, and a CRL.

A device's certificate is for the key that it made itself, with its id as the only name. Times
begin in 1970, since an instrument that has lost its clock must still be able to check a broker.
What ends a certificate is revocation; a device's expires all the same, and is renewed long before.

Example:
    >>> authority = Authority.load_or_make(Path("shore/keys/authority.pem"))
    >>> certificate = authority.device("d7", public_key, now_ms=now)
    >>> certificate.chain.count("BEGIN CERTIFICATE")
    2
"""

import datetime
import hashlib
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from server.auth.files import made_once

DAY_MS = 86_400_000
DEVICE_MS = 5 * 365 * DAY_MS
"""Life of a device's certificate; a device asks for another after half of it."""
_BEGIN = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_END = datetime.datetime(2120, 1, 1, tzinfo=datetime.UTC)
NAME = "Seadrift shore"


@dataclass(frozen=True)
class Issued:
    """A certificate and its authority's as PEM; `serial` in hex."""

    serial: str
    chain: str
    expires_ms: int


@dataclass(frozen=True, repr=False)
class Authority:
    """Its key never leaves the shore's keys folder, and is never logged."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @classmethod
    def load_or_make(cls, path: Path) -> "Authority":
        """The authority in `path` (key and certificate, PEM). Raises OSError."""
        data = made_once(path, _new)
        try:
            key = load_pem_private_key(data, None)
            certificate = x509.load_pem_x509_certificate(data)
        except ValueError as error:
            raise OSError(f"{path}: expected a key and a certificate as PEM: {error}") from error
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise OSError(f"{path}: expected an elliptic curve key")
        return cls(key, certificate)

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(Encoding.PEM).decode()

    @property
    def group(self) -> str:
        """Name under which the shore's workers share requests at a broker. It is a secret: a device
        that knew it could join, and requests of others would end with it."""
        raw = self.key.private_numbers().private_value.to_bytes(32, "big")
        return hashlib.sha256(b"seadrift-group-1\n" + raw).hexdigest()[:24]

    def device(self, device_id: str, public_key: bytes, now_ms: int) -> Issued:
        """A certificate with which a broker knows this device, for its ed25519 key of 32 bytes."""
        expires_ms = now_ms + DEVICE_MS
        key = Ed25519PublicKey.from_public_bytes(public_key)
        end = datetime.datetime.fromtimestamp(expires_ms / 1000, datetime.UTC)
        made = self._sign(self._draft(device_id, end).public_key(key), server=False)
        return Issued(f"{made.serial_number:x}", _pem(made) + self.pem, expires_ms)

    def worker(self, name: str) -> bytes:
        """A new key and a certificate of that name, for a process of the shore, PEM."""
        return self._pair(self._draft(name, _END), server=False)

    def broker(self, hosts: Sequence[str]) -> bytes:
        """A new key and a certificate for a broker that is reached by these names, PEM."""
        names = x509.SubjectAlternativeName([_general(host) for host in hosts])
        draft = self._draft(hosts[0], _END).add_extension(names, critical=False)
        return self._pair(draft, server=True)

    def revoked(self, serials: Sequence[str], now_ms: int) -> bytes:
        """The revocation list, PEM."""
        now = datetime.datetime.fromtimestamp(now_ms / 1000, datetime.UTC)
        draft = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.certificate.subject)
            .last_update(_BEGIN)
            .next_update(_END)
        )
        for serial in serials:
            entry = x509.RevokedCertificateBuilder().serial_number(int(serial, 16))
            draft = draft.add_revoked_certificate(entry.revocation_date(now).build())
        return draft.sign(self.key, SHA256()).public_bytes(Encoding.PEM)

    def _draft(self, name: str, end: datetime.datetime) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(_name(name))
            .issuer_name(self.certificate.subject)
            .serial_number(x509.random_serial_number())
            .not_valid_before(_BEGIN)
            .not_valid_after(end)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        )

    def _pair(self, draft: x509.CertificateBuilder, *, server: bool) -> bytes:
        key = ec.generate_private_key(ec.SECP256R1())
        made = self._sign(draft.public_key(key.public_key()), server=server)
        return _key_pem(key) + _pem(made).encode()

    def _sign(self, draft: x509.CertificateBuilder, *, server: bool) -> x509.Certificate:
        use = ExtendedKeyUsageOID.SERVER_AUTH if server else ExtendedKeyUsageOID.CLIENT_AUTH
        draft = draft.add_extension(x509.ExtendedKeyUsage([use]), critical=True)
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        return draft.add_extension(issuer, critical=False).sign(self.key, SHA256())


def _new() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(_name(NAME))
        .issuer_name(_name(NAME))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_BEGIN)
        .not_valid_after(_END)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, SHA256())
    )
    return _key_pem(key) + _pem(certificate).encode()


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text[:64])])


def _general(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode()
