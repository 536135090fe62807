"""What was to be reached, beside what was found: the last table of the benchmark.

Speed, memory and energy come from the rows of this run, accuracy from docs/benchmarks/results.json,
which `seadrift evaluate --table` writes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from edge.bench.rows import Row

WHOLE_MS = 5.0
OF_FALLBACK = 1 / 3
OVER_GEMM = 2.0
FIVE_HUNDRED = 5.5
NOISE = 4.0
PEAK_MB = 160.0
MARGINAL_J = 0.05


@dataclass(frozen=True)
class Speed:
    """What a run found, by what it is compared with; None: not measured here. Times in ms."""

    whole: Mapping[int, float]  # by the number of objects, native
    fallback: Mapping[int, float]
    kept: Mapping[int, int]  # objects kept on these frames
    noise: float
    noise_kept: int
    network_over_gemm: float | None
    peak_mb: float | None
    marginal_j: float | None


def speed_rows(speed: Speed) -> list[Row]:
    """Each target of speed, memory and energy."""
    whole = speed.whole
    each = (whole[100] - whole[0]) / max(1, speed.kept[100] - speed.kept[0])
    noise = (speed.noise - speed.noise_kept * each) / whole[0]
    many = whole[500] / whole[100] if 500 in whole else None
    return [
        _most("whole frame, 100 objects", whole[100], "ms", WHOLE_MS),
        _most("whole frame over our library fallback", whole[100] / speed.fallback[100], "times",
              OF_FALLBACK),
        _most("native inference over the int8 GEMM limit", speed.network_over_gemm, "times",
              OVER_GEMM),
        _most("500 objects over 100", many, "times", FIVE_HUNDRED),
        _most("30,000 specks over an empty frame, what is kept apart", noise, "times", NOISE),
        _most("peak memory of the device process", speed.peak_mb, "MB", PEAK_MB),
        _most("marginal energy, 100 objects, Zero 2 W", speed.marginal_j, "J", MARGINAL_J),
    ]  # fmt: skip


def _most(name: str, value: float | None, unit: str, most: float) -> Row:
    holds = None if value is None else value <= most
    return Row(
        name, value, unit if value is not None else "not measured", f"<= {most:.3g} {unit}", holds
    )


ACCURACY = (
    ("NDSB, 121 classes: device network", ">= 70 %"),
    ("NDSB, 121 classes: shore network", ">= 78 %"),
    ("ZP+SCN over the better of ZP and SCN", "never worse"),
    ("int8 below float", "<= 0.5 points"),
)


def accuracy_rows(results: Path) -> list[Row]:
    """Each target of accuracy, from the rows that `seadrift evaluate --table` wrote."""
    try:
        targets = json.loads(results.read_text(encoding="utf-8"))["targets"]
        return [Row(**row) for row in targets]
    except (OSError, ValueError, TypeError, KeyError):
        return [Row(name, None, "not measured", target) for name, target in ACCURACY]
