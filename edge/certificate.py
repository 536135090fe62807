"""The certificate that a broker knows this instrument by: is it ours, is it time for another.

The shore issues it at enrolment for the key that was made here, and gives another when asked with a
signed request. The same PEM holds the authority's certificate, which signs the broker's too.

Example:
    >>> check(pem, identity.public)
    >>> due(pem, now_ms=now)
    False
"""

import ssl
import tempfile
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from wire.signing import PrivateKey, PublicKey

RENEW_MS = 2 * 365 * 86_400_000
"""Another certificate is asked for so long before this one ends."""


class CertificateError(ValueError):
    """A certificate that this instrument cannot use; the message says why."""


def check(pem: str, key: PublicKey) -> None:
    """Raises CertificateError unless `pem` is a certificate for `key`, then its authority's."""
    try:
        mine, _ = x509.load_pem_x509_certificates(pem.encode())
        found = mine.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    except ValueError as error:
        raise CertificateError(
            f"expected this device's certificate and one more: {error}"
        ) from error
    if found != key.raw:
        raise CertificateError(f"the certificate is for another key than {key.id}")


def due(pem: str, now_ms: int) -> bool:
    """Whether it is time to ask for another; by a clock that is back in 1970 it is not."""
    mine = x509.load_pem_x509_certificates(pem.encode())[0]
    return now_ms > mine.not_valid_after_utc.timestamp() * 1000 - RENEW_MS


def context(pem: str, key: PrivateKey, ca: Path | None) -> ssl.SSLContext:
    """TLS that shows this certificate and trusts the authorities in `ca`, by default the one in
    `pem`. The key is in a file of its own only while it is read. Raises OSError, ssl.SSLError."""
    authority = None if ca else pem[pem.rindex("-----BEGIN") :]
    made = ssl.create_default_context(cafile=None if ca is None else str(ca), cadata=authority)
    with tempfile.NamedTemporaryFile() as pair:
        private = Ed25519PrivateKey.from_private_bytes(key.raw)
        pair.write(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        pair.write(pem.encode())
        pair.flush()
        made.load_cert_chain(pair.name)
    return made
