"""Requests of the other carriers: blobs in pieces (tus), and pushes of a satellite gateway.

Example:
    >>> headers, body = piece(random.Random(1), b"picture")
    >>> push(random.Random(1))
    (b'imei=...', 'application/x-www-form-urlencoded')
"""

import base64
import hashlib
import json
import random
from typing import Any

from tests.faults.hostile.images import bad_png
from tests.faults.hostile.values import TEXTS, bent, flipped
from wire.tus import TYPE, VERSION, BlobMeta, metadata

METHODS = ("POST", "POST", "PATCH", "PATCH", "HEAD", "DELETE")


def piece(chance: random.Random, good: bytes) -> tuple[dict[str, Any], bytes]:
    """Headers and body of something like a step of an upload."""
    body = bad_png(chance, good) if chance.random() < 0.5 else good
    claimed = hashlib.sha256(body if chance.random() < 0.7 else b"").hexdigest()
    kind = chance.choice(["vignette", "frame", "frame", "x"])
    meta = metadata(BlobMeta(kind, "f1.png", claimed, 7, chance.randrange(30), 16, 12))
    headers: dict[str, Any] = {
        "Tus-Resumable": VERSION,
        "Content-Type": TYPE,
        "Upload-Length": str(len(body)),
        "Upload-Metadata": meta,
        "Upload-Offset": "0",
    }
    if chance.random() < 0.3:
        digest = base64.b64encode(hashlib.sha1(body, usedforsecurity=False).digest()).decode()
        headers["Upload-Checksum"] = f"sha1 {digest}"
    if chance.random() < 0.7:
        name = chance.choice(list(headers))
        wrong = [*TEXTS[:6], str(2**70), "-1", "1e9", "0x1", meta[:-9], meta + "," + meta]
        value = chance.choice(wrong).encode("utf-8", "surrogateescape")
        headers[name] = bytes(byte for byte in value if byte >= 32)
    return headers, body


def push(chance: random.Random) -> tuple[bytes, str]:
    """Body and content type of a push, nearly right or not."""
    said: dict[str, Any] = {
        "imei": "300234010753370",
        "momsn": chance.randrange(2**16),
        "transmit_time": "26-06-01 10:20:30",
        "iridium_latitude": "43.6",
        "iridium_longitude": "7.3",
        "data": chance.randbytes(chance.choice([0, 4, 40, 340, 5000])).hex(),
    }
    said = bent(chance, said) if chance.random() < 0.8 else said
    if chance.random() < 0.5 or not isinstance(said, dict):
        text, kind = json.dumps(said, default=repr), "application/json"
    else:
        text = "&".join(f"{name}={value}" for name, value in said.items())
        kind = "application/x-www-form-urlencoded"
    body = text.encode("utf-8", "surrogateescape")
    return (flipped(chance, body) if chance.random() < 0.3 else body), kind
