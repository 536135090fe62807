"""Random numbers that depend on what they are for, never on the order in which they are asked.

Every use has its own Philox stream, keyed by the seed, a purpose and the numbers of the frame and
the object. So frame 900 can be rendered first, alone or after a restart, and is the same frame.

Example::

    stream(1, Purpose.OBJECT, 900, 3)  # the fourth organism of frame 900
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np


class Purpose(IntEnum):
    """What a stream is for. Numbers are part of what a seed means: never reuse or reorder one."""

    SCENE = 1  # how many organisms, which
    OBJECT = 2  # the shape and place of one organism
    SPECKS = 3
    NOISE = 4
    BACKGROUND = 5  # the same for all frames
    TEXTURE = 6  # the same for all seeds
    CAST = 7
    FLICKER = 8


def stream(seed: int, purpose: Purpose, *numbers: int) -> np.random.Generator:
    """The generator for one purpose; equal arguments give equal numbers."""
    sequence = np.random.SeedSequence(entropy=seed, spawn_key=(int(purpose), *numbers))
    return np.random.Generator(np.random.Philox(sequence))
