"""What was to be reached, beside what was found: the last table of the benchmark.

Speed, memory and energy come from the rows of this run, accuracy from docs/benchmarks/results.json,
which `seadrift evaluate --table` writes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from models.figures import Row

Facts: TypeAlias = Mapping[str, Any]

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
    said = unit if value is not None else "not measured"
    return Row(name, value, said, f"<= {most:.3g} {unit}", holds)


def accuracy_rows(results: Path) -> list[Row]:
    """Each target of accuracy, from the file that `seadrift evaluate --table` wrote, if it did."""
    try:
        sets = json.loads(results.read_text(encoding="utf-8"))["sets"]
        device, shore = _accuracy(sets, "device"), _accuracy(sets, "shore")
        gain, lost = _least_gain(sets), _most_lost(sets)
    except (OSError, ValueError, TypeError, KeyError):
        device = shore = gain = lost = None
    return [
        _least("NDSB, 121 classes: device network", device, "%", 70.0),
        _least("NDSB, 121 classes: shore network", shore, "%", 78.0),
        _least("ZP+SCN over the better of both, least of all sets", gain, "points", 0.0),
        _most("int8 below float, most of all networks", lost, "points", 0.5),
    ]


def _least(name: str, value: float | None, unit: str, least: float) -> Row:
    holds = None if value is None else value >= least
    said = unit if value is not None else "not measured"
    return Row(name, value, said, f">= {least:.3g} {unit}", holds)


def _accuracy(sets: Facts, kind: str) -> float | None:
    """Percent of the held-out NDSB objects that the head as shipped calls right."""
    facts = sets.get("ndsb")
    if facts is None or not facts["networks"].get(kind, {}).get("own"):
        return None
    found = [row for row in facts["rows"] if (row["network"], row["method"]) == (kind, "head")]
    return 100 * float(found[0]["figures"]["accuracy"][0]) if found else None


def _least_gain(sets: Facts) -> float | None:
    gains = [facts["gain"]["device"] for facts in sets.values() if "device" in facts["gain"]]
    return min((100 * float(gain["difference"][0]) for gain in gains), default=None)


def _most_lost(sets: Facts) -> float | None:
    """Points of accuracy between a network's own floats and its integers."""
    head = "accuracy of the embedding alone, "
    own = [n for facts in sets.values() for n in facts["networks"].values() if n["own"]]
    found = [n["quantization"] for n in own if head + "float" in n["quantization"]]
    losses = [100 * (float(q[head + "float"]) - float(q[head + "int8"])) for q in found]
    return max(losses, default=None)
