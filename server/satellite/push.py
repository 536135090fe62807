"""What a gateway posts, taken apart: RockBLOCK's form or JSON, signed with a JWT if it likes.

https://docs.groundcontrol.com/iot/rockblock/web-services/receiving-mo-message names the fields:
imei, momsn, transmit_time, iridium_latitude, iridium_longitude, data (hex), JWT.

Example:
    >>> read_push(b"imei=300234010753370&momsn=7&data=48656c6c6f", "").data
    b'Hello'
"""

import base64
import json
import math
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from server.db.satellite import Push

_SIGNED = ("imei", "momsn", "data")
MESSAGE_MAX = 2000


class PushError(ValueError):
    """The body is no push, or is not signed as it must be."""


def read_fields(body: bytes, content_type: str) -> dict[str, str]:
    """The fields as text. Raises PushError."""
    if "json" not in content_type:
        pairs = parse_qs(body.decode("latin1"), max_num_fields=100)
        return {name: values[0] for name, values in pairs.items()}
    try:
        data = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise PushError(f"not JSON: {error}") from error
    if not isinstance(data, dict):
        raise PushError("expected a JSON object")
    plain = {k: v for k, v in data.items() if isinstance(v, str | int | float)}
    return {name: str(value) for name, value in plain.items()}


def read_push(body: bytes, content_type: str) -> Push:
    """Raises PushError naming the field."""
    said = read_fields(body, content_type)
    imei, momsn = said.get("imei", ""), said.get("momsn", "")
    if not (imei.isascii() and imei.isdigit() and len(imei) <= 20):
        raise PushError("imei: expected at most 20 digits")
    if momsn and not (momsn.isascii() and momsn.isdigit() and len(momsn) <= 15):
        raise PushError("momsn: expected a whole number")
    try:
        data = bytes.fromhex(said.get("data", ""))
    except ValueError as error:
        raise PushError("data: expected hex digits") from error
    if len(data) > MESSAGE_MAX:
        raise PushError(f"data: expected at most {MESSAGE_MAX} bytes")
    return Push(
        imei,
        int(momsn) if momsn else None,
        "".join(c for c in said.get("transmit_time", "") if c.isprintable())[:40],
        _degrees(said.get("iridium_latitude"), 90),
        _degrees(said.get("iridium_longitude"), 180),
        data,
    )


def check_jwt(pem: bytes, fields: Mapping[str, str]) -> None:
    """Raises PushError unless the gateway's key signed (RS256) just these fields."""
    key = serialization.load_pem_public_key(pem)
    if not isinstance(key, rsa.RSAPublicKey):
        raise PushError("the gateway's key: expected RSA")
    try:
        head, payload, signature = fields["JWT"].split(".")
        algorithm = json.loads(_unpadded(head))["alg"]
        signed = f"{head}.{payload}".encode()
        key.verify(_unpadded(signature), signed, padding.PKCS1v15(), hashes.SHA256())
        claims: dict[str, Any] = json.loads(_unpadded(payload))
    except (KeyError, ValueError, TypeError, InvalidSignature) as error:
        raise PushError("JWT: not signed by the gateway") from error
    if algorithm != "RS256" or any(str(claims.get(n)) != fields.get(n) for n in _SIGNED):
        raise PushError("JWT: signed for another message")


def _degrees(text: str | None, most: float) -> float | None:
    try:
        value = float(text or "nan")
    except ValueError:
        return None
    return value if math.isfinite(value) and abs(value) <= most else None


def _unpadded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
