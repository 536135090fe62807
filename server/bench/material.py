"""Batches of an instrument at work, made before the clock runs: objects with their vignettes.

Sizes are those of the product: an object record in brief, then a vignette record with a PNG of
about 4 kB and everything that was measured, exactly. No two images of a batch are alike, so it
packs no better than at sea.

Example:
    >>> batches = make_batches(Bundle.load(factory.path()), objects=1000, epoch=7)
"""

from collections.abc import Iterator
from functools import cache

import cv2
import numpy as np

from models.bundle import Bundle
from server.simulated import make_object, make_record
from wire.codec import encode_batch, encode_record
from wire.records import Vignette

IMAGES = 256
PAIRS = 48
"""Objects a batch: with their vignettes just below the link's 256 kB."""
WIDTH, HEIGHT = 88, 72


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
        records = [make_record(2 * n + 1, make_object(bundle, n), epoch) for n in numbers]
        records += [make_record(2 * n + 2, _vignette(n), epoch) for n in numbers]
        yield len(numbers), encode_batch([encode_record(record) for record in records])


def _vignette(n: int) -> Vignette:
    return Vignette(2 * n + 1, 0, "png", WIDTH, HEIGHT, images()[n % IMAGES])
