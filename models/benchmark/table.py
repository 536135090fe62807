"""The whole table: every set, its pictures, results.json and the page. What is there is reused.

Example:
    >>> make_table(["spc"], Places(data, build, networks, out), network_for, progress=print)
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models import forest
from models.benchmark import plots
from models.benchmark.compare import Result, compare
from models.benchmark.features import Features, Progress
from models.benchmark.report import as_markdown
from models.benchmark.sets import SETS, Labels, read_labels
from models.bundle import Bundle

FORMAT = 1

Networks = Callable[[str, Labels], dict[str, Bundle]]


class ResultsError(ValueError):
    """results.json is not one of ours; the message names the file."""


@dataclass(frozen=True)
class Places:
    data: Path  # the sets' zips
    build: Path  # features that are kept, sets made from others
    out: Path  # page, pictures, results.json


def make_table(
    names: Sequence[str], places: Places, networks: Networks, progress: Progress
) -> dict[str, Any]:
    """results.json as a dict, after everything is written.

    networks: the bundles of a set, "device" and maybe "shore". Other sets' earlier results stay.
    Raises ResultsError if there is a results.json that is not one, and what reading a set raises.
    """
    results = read_results(places.out / "results.json")
    for name in names:
        labels = read_labels(SETS[name], places.data, places.build)
        features = Features(labels, places.build, progress)
        measured = features.measured()
        bundles = networks(name, labels)
        seen = {kind: (bundle, features.embedding(bundle)) for kind, bundle in bundles.items()}
        found = compare(SETS[name], labels, measured, seen, progress)
        results = read_results(places.out / "results.json")  # another set may have come meanwhile
        results["sets"][name] = found.facts
        results["forest"] = {"trees": forest.TREES, "leaf_least": forest.LEAF_LEAST}
        _write(places.out, name, results, found)  # after each set: hours may lie between them
    return results


def read_results(path: Path) -> dict[str, Any]:
    """results.json, or an empty one. Raises ResultsError."""
    if not path.exists():
        return {"format": FORMAT, "sets": {}, "forest": {}}
    try:
        results = json.loads(path.read_bytes())
    except ValueError as error:
        raise ResultsError(f"{path}: not JSON: {error}") from error
    if not isinstance(results, dict) or results.get("format") != FORMAT:
        raise ResultsError(f"{path}: not results of format {FORMAT}; remove it to start anew")
    return results


def _write(out: Path, name: str, results: dict[str, Any], found: Result) -> None:
    out.mkdir(parents=True, exist_ok=True)
    pictures = {
        "confusion": plots.confusion(found.evaluation, f"{name}: device head, % of each row"),
        "reliability": plots.reliability(found.reliability, f"{name}: device head"),
        "per-taxon": plots.per_taxon(found.evaluation, f"{name}: device head"),
    }
    for what, data in pictures.items():
        _replace(out / f"{name}-{what}.png", data)
    text = json.dumps(results, indent=1, ensure_ascii=False, allow_nan=False, sort_keys=True)
    _replace(out / "results.json", text.encode() + b"\n")
    _replace(out / "README.md", as_markdown(results).encode())


def _replace(path: Path, data: bytes) -> None:
    partial = path.with_name(path.name + ".part")
    partial.write_bytes(data)
    partial.replace(path)
