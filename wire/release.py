"""Releases and assignments: what the shore signs, and what a device checks before it believes.

A release is a model bundle named by its hash and signed by the fleet's release key. An assignment
says which release one device shall run; its `deploy_seq` only rises, so going back to an older
bundle is a new assignment, and an old one played again is refused.

Example:
    >>> signed = sign_assignment(key, Assignment("d1", 3, release_id, issued_ms=0))
    >>> check_assignment(key.public, signed, device="d1", last_deploy_seq=2).deploy_seq
    3
"""

from dataclasses import asdict, dataclass

import cbor2

from wire.checked import read
from wire.codec import loads
from wire.signing import PrivateKey, PublicKey, SignatureError

_RELEASE = b"seadrift-release-1\n"
_ASSIGNMENT = b"seadrift-assignment-1\n"


@dataclass(frozen=True)
class Assignment:
    """`release` is the bundle's id (64 hex digits); times are milliseconds since 1970, UTC."""

    device: str
    deploy_seq: int
    release: str
    issued_ms: int
    release_signature: bytes = b""


@dataclass(frozen=True)
class SignedAssignment:
    """The assignment's CBOR, and the signature over exactly those bytes."""

    payload: bytes
    signature: bytes


def sign_release(key: PrivateKey, release: str) -> bytes:
    return key.sign(_RELEASE + release.encode())


def check_release(key: PublicKey, release: str, signature: bytes) -> None:
    """Raises SignatureError unless the fleet's release key signed this bundle id."""
    key.verify(signature, _RELEASE + release.encode())


def sign_assignment(key: PrivateKey, assignment: Assignment) -> bytes:
    """The signed assignment as bytes for the link."""
    payload = cbor2.dumps(asdict(assignment), canonical=True)
    signed = SignedAssignment(payload, key.sign(_ASSIGNMENT + payload))
    return cbor2.dumps(asdict(signed), canonical=True)


def check_assignment(
    key: PublicKey, blob: bytes, *, device: str, last_deploy_seq: int
) -> Assignment:
    """The assignment, when it is signed, meant for `device`, newer than the last one taken, and
    its release is signed too. Raises SignatureError, CodecError or FieldError."""
    signed = read(SignedAssignment, loads(blob))
    key.verify(signed.signature, _ASSIGNMENT + signed.payload)
    assignment = read(Assignment, loads(signed.payload))
    if assignment.device != device:
        raise SignatureError(f"assignment is for device {assignment.device}, not {device}")
    if assignment.deploy_seq <= last_deploy_seq:
        raise SignatureError(
            f"assignment {assignment.deploy_seq} is not newer than {last_deploy_seq}"
        )
    check_release(key, assignment.release, assignment.release_signature)
    return assignment
