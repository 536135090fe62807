"""A device without an instrument: it enrols, signs, counts and sends records that look like real
ones.

The shore's side of the link is tested and timed with it; it knows nothing of the shore but the
link.

Example:
    >>> device = SimulatedDevice.enrol(http, claim="...", name="one")
    >>> device.ingest([make_record(1, make_object(bundle, 0)), make_record(2,
    make_vignette(1))]).upto 2
"""

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import cbor2
import numpy as np
from PIL import Image

from models.bundle import Bundle
from models.measures import MEASURES, MEASURES_VERSION
from wire.ack import Ack, decode_ack
from wire.codec import encode_batch, encode_record
from wire.records import KIND_OF, PRIORITY, Body, ObjectBody, Record, Vignette, as_map
from wire.signing import PrivateKey, sign_request


class Answer(Protocol):
    """What an HTTP client answers; httpx's does."""

    @property
    def status_code(self) -> int: ...

    @property
    def content(self) -> bytes: ...

    @property
    def headers(self) -> Mapping[str, str]: ...

    def json(self) -> Any: ...


class Http(Protocol):
    """An HTTP client with a base address; httpx's does."""

    def request(
        self, method: str, url: str, *, content: bytes = ..., headers: Mapping[str, str] = ...
    ) -> Answer: ...


class LinkError(RuntimeError):
    """The shore answered with an error; the message has its status and text."""


@dataclass
class SimulatedDevice:
    """The instrument's side of the link, without an outbox."""

    http: Http
    device_id: str
    key: PrivateKey
    release_key: str = ""
    counter: int = 0
    epoch: int = 7

    @classmethod
    def enrol(cls, http: Http, claim: str, name: str) -> "SimulatedDevice":
        """Use a claim. Raises LinkError."""
        key = PrivateKey.make()
        said = {"claim": claim, "name": name, "public_key": key.public.text, "board": "desktop"}
        headers = {"Content-Type": "application/json"}
        body = json.dumps(said).encode()
        answer = http.request("POST", "/v1/enrol", content=body, headers=headers)
        found = _checked(answer, 201).json()
        return cls(http, found["device_id"], key, found["release_key"])

    def send(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Answer:
        """A signed request with the next counter."""
        self.counter += 1
        signed = sign_request(self.key, self.device_id, self.counter, method, path, body)
        return self.http.request(method, path, content=body, headers={**signed, **(headers or {})})

    def ingest(self, records: Sequence[Record | bytes]) -> Ack:
        """Send one batch. Raises LinkError."""
        blobs = [r if isinstance(r, bytes) else encode_record(r) for r in records]
        return decode_ack(
            _checked(self.send("POST", "/v1/ingest", encode_batch(blobs)), 200).content
        )

    def hello(self, next_seq: int = 1, deploy_seq: int = 0, release: str | None = None) -> Any:
        """Say hello; the answer's map. Raises LinkError."""
        said = {
            "epoch": self.epoch,
            "next_seq": next_seq,
            "software": "simulated",
            "release": release,
            "deploy_seq": deploy_seq,
        }
        answer = self.send("POST", "/v1/hello", cbor2.dumps(said))
        return cbor2.loads(_checked(answer, 200).content)


def _checked(answer: Answer, status: int) -> Answer:
    if answer.status_code != status:
        raise LinkError(f"{answer.status_code}: {answer.content[:500]!r}")
    return answer


def make_record(seq: int, body: Body, epoch: int = 7) -> Record:
    """The body in its envelope."""
    kind = KIND_OF[type(body)]
    return Record(epoch, seq, kind, PRIORITY[kind], 1, 1000 * seq, None, as_map(body))


def make_object(bundle: Bundle, n: int, **changes: Any) -> ObjectBody:
    """An object body of the sizes that `bundle` gives; its values depend on `n` alone. Objects of a
    class look alike, so a head can learn them."""
    random = np.random.default_rng(n)
    index = n % len(bundle.classes)
    taxon, width = bundle.classes[index], bundle.network.embedding_width
    embedding = random.integers(0, 200, width)
    embedding[index % width] += 4000
    body = ObjectBody(
        frame=f"f{n // 10:05d}",
        frame_index=n // 10,
        index_in_frame=n % 10,
        sample="cast1",
        acquisition="a1",
        process="p1",
        bx=n % 1000,
        by=5,
        width=12,
        height=9,
        esd_um=100.0 + n % 900,
        border=False,
        measures_version=MEASURES_VERSION,
        measures=random.uniform(0, 9, len(MEASURES)).astype("<f4").tobytes(),
        embedding=embedding.astype("<u2").tobytes(),
        shape=random.uniform(0, 1, 4).astype("<f4").tobytes(),
        release=bundle.release_id,
        taxon=taxon,
        score=(n % 97) / 97,
        top=((taxon, (n % 97) / 97),),
        depth_m=float(n % 200),
    )
    return replace(body, **changes)


def make_vignette(object_seq: int, **changes: Any) -> Vignette:
    """A small grey PNG for the object recorded as `object_seq`."""
    stream = io.BytesIO()
    Image.new("L", (16, 12), object_seq % 256).save(stream, "png")
    return replace(Vignette(object_seq, 0, "png", 16, 12, stream.getvalue()), **changes)
