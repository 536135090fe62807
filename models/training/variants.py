"""Each object as it could also have looked, drawn once: the bank that training draws from.

Turning, scaling and blurring an object costs as much as a small network's step on it. So every
object gets a few variants at the start, from the seed alone, and a step shows one of them, turned
by quarters, mirrored and shifted (`augment.turned`), which is quick and never the same twice. The
teacher, if there is one, has then seen exactly what its pupil sees (Beyer et al. 2022, "a good
teacher is patient and consistent"), once for each variant.

Example:
    >>> bank = draw(data.train, AugmentSettings(), count=8, seed=1, progress=print)
    >>> bank.variants[0][3].mask.shape
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from models.preprocess import Prepared
from models.sites import build_tables
from models.training.augment import AugmentSettings, augment
from models.training.dataset import Item
from models.training.network import Batch, SparseNetwork, to_batch

Float16 = npt.NDArray[np.float16]
_TOGETHER = 128


@dataclass(frozen=True)
class Bank:
    variants: list[list[Prepared]]  # of each object, the first being the object itself
    teacher: Float16 | None  # [n, count, taxa]: the teacher's logits


def draw(
    items: Sequence[Item],
    settings: AugmentSettings,
    count: int,
    seed: int,
    progress: Callable[[str], None],
    teacher: SparseNetwork | None = None,
) -> Bank:
    """`count` variants of each object; the same for the same seed."""
    random = np.random.default_rng([seed, count])
    variants: list[list[Prepared]] = []
    for i, item in enumerate(items):
        if i % 5000 == 0:
            progress(f"drawing variants of {i} of {len(items)} objects")
        drawn = [augment(item.prepared, settings, random) for _ in range(count - 1)]
        variants.append([item.prepared, *drawn])
    return Bank(variants, None if teacher is None else _told(teacher, variants, progress))


def _told(
    teacher: SparseNetwork, variants: Sequence[Sequence[Prepared]], progress: Callable[[str], None]
) -> Float16:
    teacher.eval()
    flat = [one for of_item in variants for one in of_item]
    logits = []
    with torch.no_grad():
        for start in range(0, len(flat), _TOGETHER):
            if start % (200 * _TOGETHER) == 0:
                progress(f"the teacher looks at {start} of {len(flat)} variants")
            batch = make_batch(flat[start : start + _TOGETHER], teacher.settings.levels)
            logits.append(teacher(batch).numpy().astype(np.float16))
    return np.concatenate(logits).reshape(len(variants), len(variants[0]), -1)


def make_batch(prepared: Sequence[Prepared], levels: int) -> Batch:
    return to_batch(build_tables(prepared, levels), np.stack([p.shape for p in prepared]))
