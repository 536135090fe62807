"""What an object costs on the link without its vignette, and in time, beside plainer codings.

    python -m edge.bench.link          # the rows as a table

A batch is what a frame gives: context, frame summary and objects, divided by the objects. The same
records are also coded as JSON, as CBOR one after the other, and with the exact values in them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import cbor2

from edge.agent.version import software_version
from edge.bench.scenes import SETTINGS, of_instruments
from edge.clock import SystemClock
from edge.config import Config, build
from edge.frames import Frame
from edge.outbox import Draft
from edge.outbox.drafts import name
from edge.pipeline import Pipeline
from edge.records import context, frame_drafts
from edge.simulator import Simulator, preset
from models import factory
from models.brief import named
from models.bundle import Bundle
from models.classifier import Classifier
from models.figures import Row, best_ms, missing, table
from wire.codec import (
    RECORDS_MAX,
    compress,
    decode_batch,
    decode_record,
    encode_batch,
    encode_record,
)
from wire.records import Record, read_body

MOST_BYTES = 90.0
_EXACT = ("measures", "embedding", "shape")
_OBJECTS = 100  # of an ordinary frame
_EPOCH = 0x9ABC1234
_ZSTD_LEVEL = 3  # of the codings beside ours: the usual one


@dataclass(frozen=True)
class Sent:
    """Records of one batch, and the same with every exact value in the object records."""

    name: str
    records: list[Record]
    exact: list[Record]

    @property
    def objects(self) -> int:
        return sum(record.kind == "object" for record in self.records)


def measure(turns: int) -> tuple[list[Row], Row]:
    """Every figure, and the one that has a target: the worst batch of all."""
    rows: list[Row] = []
    worst = 0.0
    for sent in batches():
        found = [*sizes(sent), *_times(sent, turns)]
        worst = max(worst, found[0].value or 0.0)
        rows += found
    real = of_instruments()
    if isinstance(real, str):
        rows.append(missing("real dark field: bytes an object", real))
    target = f"at most {MOST_BYTES:g} bytes"
    head = "bytes an object on the link, without vignette, worst batch"
    return rows, Row(head, worst, "bytes", target, worst <= MOST_BYTES)


def batches() -> Iterator[Sent]:
    """A frame's and as many as a batch holds, simulated and, with SEADRIFT_DATA, real."""
    for kind, field in (("darkfield", "dark"), ("brightfield", "bright")):
        simulator = Simulator(preset(kind, seed=1, density=_OBJECTS, pixel_um=SETTINGS.pixel_um))
        drafts = _drafts([simulator.frame(i).frame for i in range(20)], field)
        yield _sent(f"simulated {kind}, a frame", drafts[:1], field)
        yield _sent(f"simulated {kind}, {RECORDS_MAX} records", drafts, field)
    real = of_instruments()
    if not isinstance(real, str):
        frames = [Frame(f"frame_{i}.png", i, scene.grey) for i, scene in enumerate(real)]
        drafts = _drafts(frames, "dark")
        count = len(drafts[0]) // 2
        few = [*drafts[0][: 1 + _OBJECTS], *drafts[0][1 + count : 1 + count + _OBJECTS]]
        yield _sent(f"real dark field, {_OBJECTS} objects of a frame", [few], "dark")
        yield _sent(f"real dark field, {RECORDS_MAX} records", drafts, "dark")


def _drafts(frames: Sequence[Frame], field: str) -> list[list[Draft]]:
    """What each frame gives, by the pipeline as shipped."""
    classifier = Classifier(Bundle.load(factory.path()))
    pipeline = Pipeline(replace(SETTINGS, field=field), classifier)
    place = _config(field).acquisition
    return [frame_drafts(pipeline.process(frame), place, classifier.release_id) for frame in frames]


def _config(field: str) -> Config:
    place = {"project": "cast", "sample": "s1", "acquisition": "a1", "process": "p1"}
    optics = {"instrument": "bench", "pixel_um": SETTINGS.pixel_um, "field": field}
    device = {"name": "bench", "data": "data"}
    source = {"kind": "simulator"}
    data = {"device": device, "source": source, "acquisition": {**place, **optics}}
    return build(data, Path("bench.toml"))


def _sent(head: str, frames: Sequence[Sequence[Draft]], field: str) -> Sent:
    """A batch of the context and the frames' records, as many as a batch holds."""
    clock = SystemClock(trust_system=False)
    above = Draft(context(_config(field), "0" * 64, f"seadrift {software_version()}"))
    records, exact = name([above], _EPOCH, 1, 3, clock), []
    shown: dict[int, Record] = {}
    for drafts in frames:
        named = name(drafts, _EPOCH, 1000 + len(records), 3, clock)
        shown |= {r.body["object_seq"]: r for r in named if r.kind == "vignette"}
        records += [record for record in named if record.kind != "vignette"]
    records = records[:RECORDS_MAX]
    for record in records:
        values = shown[record.seq].body if record.kind == "object" else {}
        whole = {key: values[key] for key in _EXACT if key in values}
        brief: dict[str, Any] = {"brief": b""} if whole else {}
        exact.append(replace(record, body={**record.body, **whole, **brief}))
    return Sent(head, records, exact)


def sizes(sent: Sent) -> list[Row]:
    """Bytes an object in each coding, ours first."""
    blobs, exact = _encoded(sent.records), _encoded(sent.exact)
    text = json.dumps([_readable(record) for record in sent.records]).encode()
    codings = {
        "on the link": len(encode_batch(blobs)),
        "CBOR and zstd, one after the other": _zstd(cbor2.dumps(blobs)),
        "CBOR": sum(map(len, blobs)),
        "JSON and zstd": _zstd(text),
        "JSON": len(text),
        "all values exact, on the link": len(encode_batch(exact)),
        "all values exact, CBOR and zstd": _zstd(cbor2.dumps(exact)),
    }
    each = {what: size / sent.objects for what, size in codings.items()}
    return [Row(f"{sent.name}: {what}", size, "bytes an object") for what, size in each.items()]


def _times(sent: Sent, turns: int) -> list[Row]:
    """Microseconds of processor time a record, on this machine."""
    blobs = _encoded(sent.records)
    batch = encode_batch(blobs)
    records = [decode_record(blob) for blob in blobs]
    works: dict[str, Callable[[], object]] = {
        "encode the records": lambda: _encoded(sent.records),
        "encode the batch": lambda: encode_batch(blobs),
        "decode the batch": lambda: decode_batch(batch),
        "decode the records": lambda: [decode_record(blob) for blob in blobs],
        "check their bodies": lambda: [read_body(record) for record in records],
    }
    return [
        Row(f"{sent.name}: {what}", best_ms(work, turns) * 1e3 / len(blobs), "us a record")
        for what, work in works.items()
    ]


def _encoded(records: Sequence[Record]) -> list[bytes]:
    return [encode_record(record) for record in records]


def _zstd(data: bytes) -> int:
    return len(compress(data, _ZSTD_LEVEL))


def _readable(record: Record) -> dict[str, Any]:
    """The record as one would write it in JSON: numbers as numbers."""
    body = dict(record.body)
    if "brief" in body:
        body["brief"] = named(body["measures_version"], body["brief"])
    body = {key: value for key, value in body.items() if not isinstance(value, bytes)}
    return {**asdict(record), "body": body}


if __name__ == "__main__":
    found, target = measure(turns=10)
    print(table([*found, target]))
