"""Batches of an instrument at work, made before the clock runs: objects with their vignettes.

Sizes are those of the product: an object record in brief, then a vignette record with a PNG of
about 4 kB and everything that was measured, exactly. No two images of a batch are alike, so it
packs no better than at sea.

Example:
    >>> batches = make_batches(Bundle.load(factory.path()), objects=1000, epoch=7)
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import cache

import cv2
import numpy as np

from models.brief import brief_of
from models.bundle import Bundle
from server.simulated import make_object, make_record
from wire.codec import encode_batch, encode_record
from wire.records import Body, ObjectBody, Vignette

IMAGES = 256
PAIRS = 48
"""Objects a batch: with their vignettes just below the link's 256 kB."""
WIDTH, HEIGHT = 88, 72
START_MS = 1_800_000_000_000


@cache
def images() -> tuple[bytes, ...]:
    """PNGs of about 4 kB: a grained ellipse before a dark ground, as a camera sees it."""
    dice = np.random.default_rng(4)
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    found = []
    for _ in range(IMAGES):
        wide, high = dice.uniform(20, 42), dice.uniform(16, 34)
        inside = ((x - WIDTH / 2) / wide) ** 2 + ((y - HEIGHT / 2) / high) ** 2 < 1
        grey = np.where(inside, dice.uniform(70, 180), 12) + dice.normal(0, 4.2, inside.shape)
        done, data = cv2.imencode(".png", grey.clip(0, 255).astype(np.uint8))
        assert done
        found.append(data.tobytes())
    return tuple(found)


def make_batches(bundle: Bundle, objects: int, epoch: int) -> Iterator[tuple[int, bytes]]:
    """(objects in it, encoded batch), `objects` in all; seqs from 1, object before vignette."""
    for first in range(0, objects, PAIRS):
        numbers = range(first, min(first + PAIRS, objects))
        whole = [make_object(bundle, n) for n in numbers]
        records = [
            _record(2 * n + 1, _ahead(body), epoch) for n, body in zip(numbers, whole, strict=True)
        ]
        records += [
            _record(2 * n + 2, _vignette(n, body), epoch)
            for n, body in zip(numbers, whole, strict=True)
        ]
        yield len(numbers), encode_batch(records)


def _record(seq: int, body: Body, epoch: int) -> bytes:
    """Encoded, dated by the device as at sea once a shore has answered."""
    return encode_record(replace(make_record(seq, body, epoch), utc_ms=START_MS + seq))


def _ahead(body: ObjectBody) -> ObjectBody:
    """The object as it goes ahead of its vignette."""
    brief = brief_of(np.frombuffer(body.measures, "<f4"))
    return replace(body, measures=b"", embedding=b"", shape=b"", brief=brief)


def _vignette(n: int, body: ObjectBody) -> Vignette:
    return Vignette(
        object_seq=2 * n + 1,
        rank=0,
        format="png",
        width=WIDTH,
        height=HEIGHT,
        data=images()[n % IMAGES],
        measures_version=body.measures_version,
        measures=body.measures,
        embedding=body.embedding,
        shape=body.shape,
    )
