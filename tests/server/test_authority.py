"""Certificates: whose they are, what they are good for, and when they are good no more."""

import ssl
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from edge.certificate import CertificateError
from edge.config import ShoreConfig
from edge.identity import Identity
from edge.links.https import HttpsLink
from server.auth.authority import Authority
from server.clock import now_ms
from server.db import certificates
from server.shore import Shore
from server.simulated import SimulatedDevice
from wire.signing import PrivateKey


def leaf(pem: str) -> x509.Certificate:
    return x509.load_pem_x509_certificates(pem.encode())[0]


def test_the_authority_is_made_once_and_its_key_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "authority.pem"
    made, again = Authority.load_or_make(path), Authority.load_or_make(path)
    assert made.certificate == again.certificate
    assert made.group == again.group
    assert path.stat().st_mode & 0o777 == 0o600
    assert "PRIVATE" not in repr(made)
    path.write_text("not a key")
    with pytest.raises(OSError, match="expected a key and a certificate"):
        Authority.load_or_make(path)


def test_enrolment_brings_a_certificate_for_the_devices_own_key(
    client: httpx.Client, stranger: httpx.Client, project: int, shore: Shore, tmp_path: Path
) -> None:
    body = {"project_id": project, "name": "north", "valid_h": 1}
    claim = client.post("/api/claims", json=body).json()["claim"]
    identity = Identity.load_or_make(tmp_path / "identity")
    link = HttpsLink(ShoreConfig(url=str(stranger.base_url)), identity, timeout_s=20)
    answer = link.enrol(claim, "north", "desktop", "seadrift")
    found = leaf(answer.certificate)
    assert found.subject.rfc4514_string() == f"CN={answer.device_id}"
    key = found.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    assert key == identity.public.raw
    found.verify_directly_issued_by(shore.authority.certificate)
    use = found.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert x509.ExtendedKeyUsageOID.SERVER_AUTH not in use  # it cannot pose as a broker
    identity.enrol(answer.device_id, answer.release_key, claim)
    identity.keep_certificate(link.certificate())
    assert leaf(identity.certificate).serial_number != found.serial_number
    assert Identity.load_or_make(tmp_path / "identity").certificate == identity.certificate
    link.close()


def test_a_certificate_for_another_key_or_no_certificate_is_not_kept(tmp_path: Path) -> None:
    authority = Authority.load_or_make(tmp_path / "authority.pem")
    identity = Identity.load_or_make(tmp_path / "identity")
    other = authority.device("d1", PrivateKey.make().public.raw, now_ms())
    for pem in (other.chain, authority.pem, "", "nonsense", authority.pem * 2):
        with pytest.raises(CertificateError):
            identity.keep_certificate(pem)
    (identity.folder / "certificate.pem").write_text(other.chain)
    damaged = Identity.load_or_make(tmp_path / "identity")
    assert damaged.certificate == ""
    assert damaged.certificate_due(now_ms())


def test_a_device_that_lost_its_clock_still_trusts_the_broker(tmp_path: Path) -> None:
    authority = Authority.load_or_make(tmp_path / "authority.pem")
    pair = authority.broker(["shore.example", "10.0.0.2"])
    for made in (authority.certificate, x509.load_pem_x509_certificate(pair)):
        assert made.not_valid_before_utc.timestamp() == 0
        assert made.not_valid_after_utc.year >= 2100


def test_a_revoked_device_and_a_key_given_up_are_on_the_list(
    client: httpx.Client, device: SimulatedDevice, shore: Shore
) -> None:
    shore.settings.broker.mkdir()
    with shore.database.read() as connection:
        assert certificates.revoked(connection, now_ms()) == []
    assert client.post(f"/api/devices/{device.device_id}/revoke").status_code == 200
    with shore.database.read() as connection:
        [serial] = certificates.revoked(connection, now_ms())
    written = x509.load_pem_x509_crl((shore.settings.broker / "revoked.pem").read_bytes())
    assert [entry.serial_number for entry in written] == [int(serial, 16)]
    key = shore.authority.key.public_key()
    assert written.is_signature_valid(key)


def test_tls_as_a_device_trusts_the_shores_authority_alone(tmp_path: Path) -> None:
    authority = Authority.load_or_make(tmp_path / "authority.pem")
    identity = Identity.load_or_make(tmp_path / "identity")
    identity.keep_certificate(authority.device("d1", identity.public.raw, now_ms()).chain)
    context = identity.tls(None)
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
    assert len(context.get_ca_certs()) == 1
