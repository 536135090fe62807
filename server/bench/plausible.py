"""Objects as a cruise would bring them, drawn: what a filled database is made of.

Taxa have a long tail, a third of the objects was validated by a person, most of the others carry a
prediction with its score, sizes are lognormal, depths and hours those of casts. Embeddings lie in
clouds around their taxon, as a network's do. The same seed draws the same.

Example:
    >>> drawn = Drawn.of(np.random.default_rng(1), size=20_000, taxa=[3, 4, 5])
    >>> drawn.status[:3], drawn.numbers.shape
    (['V', 'P', 'P'], (20000, 50))
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.measure_table import MEASURES

WIDTH = 112
"""Values of an embedding."""
NAMES = tuple(measure.name for measure in MEASURES[:50])
VALIDATED, PREDICTED, DUBIOUS, DISCARDED = 0.30, 0.62, 0.03, 0.01
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Drawn:
    """One value an object in each; `taxon` 0: none."""

    taxon: NDArray[np.int64]
    status: list[str]
    score: Floats
    esd_um: Floats
    depth_m: Floats
    minutes: Floats
    numbers: Floats  # [n, 50], in the order of NAMES

    @classmethod
    def of(cls, dice: np.random.Generator, size: int, taxa: list[int]) -> "Drawn":
        shares = 1.0 / np.arange(1, len(taxa) + 1) ** 1.1
        taxon = dice.choice(np.array(taxa), size, p=shares / shares.sum())
        shares = np.array([VALIDATED, PREDICTED, DUBIOUS, DISCARDED, 0.04])
        status = dice.choice(np.array(list("VPDXU")), size, p=shares)
        taxon = np.where(status == "U", 0, taxon)
        score = np.where(status == "U", 0.0, dice.beta(4, 1.5, size).clip(0.02, 0.999))
        esd_um = dice.lognormal(5.3, 0.6, size).clip(20, 50_000)
        return cls(
            taxon,
            status.tolist(),
            score,
            esd_um,
            dice.gamma(2.0, 60.0, size).clip(0, 4000),
            np.sort(dice.uniform(0, 600, size)),
            _numbers(dice, esd_um),
        )


def _numbers(dice: np.random.Generator, esd_um: Floats) -> Floats:
    """Fifty measures, each of a scale of its own and half explained by the object's size."""
    size = len(esd_um)
    scales = dice.lognormal(2, 2, len(NAMES))
    noise = dice.lognormal(0, 0.4, (size, len(NAMES)))
    powers = dice.uniform(0, 2, len(NAMES))
    found = scales * noise * (esd_um[:, None] / 200) ** powers
    found[:, 0] = (esd_um / 5) ** 2 * np.pi / 4  # area, px
    return np.round(found, 4)


def embeddings(dice: np.random.Generator, taxon: NDArray[np.int64]) -> NDArray[np.uint16]:
    """uint16 [n, WIDTH]: a cloud a taxon, some of them near each other."""
    clouds = np.random.default_rng(7).gamma(0.6, 22.0, (4096, WIDTH)).astype(np.float32)
    drift = dice.gamma(6.0, 1 / 6.0, (len(taxon), WIDTH)).astype(np.float32)
    drift *= dice.gamma(20.0, 1 / 20.0, (len(taxon), 1)).astype(np.float32)
    values: NDArray[np.uint16] = (
        (clouds[taxon % 4096] * drift * 256).clip(0, 65_280).astype(np.uint16)
    )
    return values
