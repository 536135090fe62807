"""A shore in memory behind the link's own seam: for tests and rehearsals, without a socket.

It keeps the rules of the real one that a device can see: exactly once by `(epoch, seq)`, the same
key with other bytes is refused, an acknowledgement after the store. `fault` is called around every
request and may raise LinkError: before it, the request is lost; after it, only the answer is.

Example:
    >>> shore = SimulatedShore()
    >>> shore.send(encode_batch([encode_record(record)])).upto
    1
"""

import secrets
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field

from edge.links import Carriage, Enrolled, HelloReply, RefusedError
from wire.ack import Ack, Rejection, ranges, watermark
from wire.checked import FieldError
from wire.codec import BATCH_MAX, CodecError, decode_batch, decode_record, record_hash
from wire.records import Record
from wire.signing import PrivateKey

CARRIAGE = Carriage("simulated", BATCH_MAX, enrols=True, fetches=True)

Fault = Callable[[str, str], None]
"""Gets the request's name and "before" or "after"."""


def no_fault(request: str, moment: str) -> None:
    """A link on which nothing goes wrong."""


@dataclass
class SimulatedShore:
    """`records` is what it holds, by key; `refuse` names seqs that it will never take."""

    fault: Fault = no_fault
    time_ms: int = 1_800_000_000_000
    claim: str = "claim"
    device_id: str = "d1"
    key: PrivateKey = field(default_factory=PrivateKey.make)
    records: dict[tuple[int, int], Record] = field(default_factory=dict)
    hashes: dict[tuple[int, int], bytes] = field(default_factory=dict)
    refuse: set[int] = field(default_factory=set)
    releases: dict[str, bytes] = field(default_factory=dict)
    assignment: bytes | None = None
    chunk_bytes: int = 64 * 1024
    repeats: int = 0
    hellos: int = 0
    carriage: Carriage = CARRIAGE

    def close(self) -> None:
        """Nothing is open."""

    def ping(self) -> str:
        self.fault("ping", "before")
        return "simulated"

    def enrol(self, claim: str, name: str, board: str, software: str) -> Enrolled:
        self.fault("enrol", "before")
        if not secrets.compare_digest(claim, self.claim):
            raise RefusedError(403, "claim", "unknown claim")
        self.fault("enrol", "after")
        return Enrolled(self.device_id, self.key.public.text, self.time_ms)

    def hello(
        self, epoch: int, next_seq: int, software: str, release: str | None, deploy_seq: int
    ) -> HelloReply:
        self.fault("hello", "before")
        self.hellos += 1
        reply = HelloReply(self._ack(epoch, ()), self.time_ms, self.assignment)
        self.fault("hello", "after")
        return reply

    def send(self, batch: bytes) -> Ack:
        self.fault("send", "before")
        try:
            blobs = decode_batch(batch)
        except CodecError as error:
            raise RefusedError(400, "batch", str(error)) from error
        epoch, rejected = 0, []
        for blob in blobs:
            try:
                record = decode_record(blob)
            except (CodecError, FieldError):
                continue
            epoch = record.epoch
            rejected += self._take(record, record_hash(blob))
        ack = self._ack(epoch, tuple(rejected))
        self.fault("send", "after")
        return ack

    def fetch(self, release: str, offset: int) -> Iterator[bytes]:
        self.fault("fetch", "before")
        if release not in self.releases:
            raise RefusedError(404, "not_found", f"no release {release}")
        data = self.releases[release][offset:]
        for start in range(0, len(data), self.chunk_bytes):
            yield data[start : start + self.chunk_bytes]
            self.fault("fetch", "after")

    def _take(self, record: Record, digest: bytes) -> list[Rejection]:
        if record.seq in self.refuse:
            return [Rejection(record.seq, "schema", "refused for the test")]
        earlier = self.hashes.get(record.key)
        if earlier is not None and earlier != digest:
            return [Rejection(record.seq, "hash_conflict", "other bytes under this name")]
        self.repeats += earlier is not None
        self.hashes[record.key] = digest
        self.records[record.key] = record
        return []

    def _ack(self, epoch: int, rejected: tuple[Rejection, ...]) -> Ack:
        held = sorted(seq for of_epoch, seq in self.records if of_epoch == epoch)
        upto = watermark(0, held)
        sack = ranges(seq for seq in held if seq > upto)
        return Ack(epoch, upto, sack, tuple(asdict(rejection) for rejection in rejected))
