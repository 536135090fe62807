"""The table's page: what was found, in words that hold on every machine.

Example:
    >>> page = as_markdown(results)         # results.json as a dict
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

ORDER = ("ndsb", "spc", "zooscan", "flowcam")
COMMAND = "seadrift evaluate --table"
_METHODS = {
    "ZP": "random forest on measures (ZP)",
    "SCN": "random forest on the network's features (SCN)",
    "ZP+SCN": "random forest on both (ZP+SCN)",
    "network": "the network alone (softmax)",
    "head": "**head on both, int8 as shipped**",
}
_COLUMNS = {
    "accuracy": "accuracy %",
    "balanced_accuracy": "balanced accuracy %",
    "macro_f1": "macro F1 %",
    "calibration_error": "calibration error %",
    "abundance_bias": "abundance bias %",
}
_HOW = """\
## How it is made

- **Split** (`models/splitting.py`, the same for networks, heads and forests): by time where the
  names tell it, of each deployment the last fifth; else a fifth of each class, drawn by the hash of
  its file's name. Nothing was chosen on the held-out objects. A random split flatters: neighbours
  and parts of one sample lie on both sides.
- **Measures**: all of `models/measures.py`. **Network's features**: the int8 embedding and the
  four shape values that stand beside it. **Forest**: {trees} trees, leaves of at least {leaf},
  each taxon weighing alike. **Network alone**: one linear layer on embedding and shape. **Head**:
  what a release ships, on embedding, shape and measures (`models/head.py`), calibrated on the
  validation part.
- **Brackets**: 95 % intervals of 1,000 bootstrap resamples of the held-out objects, the same
  resamples for every method of a set. They tell how few objects there are, not how another sea or
  camera would do. (Of calibration error and abundance bias, which cannot be below 0, resampling
  itself adds some: a value may lie at the lower end of its interval.)
- **Calibration error**: expected calibration error in 15 bins. **Abundance bias**: Bray-Curtis
  dissimilarity between counts of taxa as called and as they are; 0 is none.
- A forest's votes are shares, not calibrated probabilities; its calibration error says so.
"""


def as_markdown(results: Mapping[str, Any]) -> str:
    """The page of docs/benchmarks."""
    names = [n for n in ORDER if n in results["sets"]]
    names += sorted(set(results["sets"]) - set(names))
    lines = [
        "# Who recognises what",
        "",
        "The table this system started from compared random forests on measures (ZP) with the "
        "features of a sparse network (SCN), in 2018 (see the end). Here it is on the data at "
        f"hand. Made by `{COMMAND}`, which writes this page, its pictures and "
        "[results.json](results.json).",
        "",
        "Accuracy in percent, with 95 % bootstrap intervals:",
        "",
        *_overview(results, names),
        "",
    ]
    for name in names:
        lines += _set(name, results["sets"][name])
    how = _HOW.format(trees=results["forest"]["trees"], leaf=results["forest"]["leaf_least"])
    lines += [how, *_2018()]
    return "\n".join(lines)


def _overview(results: Mapping[str, Any], names: list[str]) -> list[str]:
    head = "| | " + " | ".join(names) + " |"
    lines = [head, "|---|" + "---:|" * len(names)]
    for kind in ("device", "shore"):
        for method, words in _METHODS.items():
            cells = [_cell(results["sets"][name], kind, method) for name in names]
            if any(cells):
                suffix = " (shore network)" if kind == "shore" else ""
                lines.append(f"| {words}{suffix} | " + " | ".join(c or "–" for c in cells) + " |")
    gains = [results["sets"][name]["gain"].get("device") for name in names]
    cells = [_signed(gain["difference"]) if gain else "–" for gain in gains]
    lines.append("| ZP+SCN over the better of the two, points | " + " | ".join(cells) + " |")
    return lines


def _cell(facts: Mapping[str, Any], kind: str, method: str) -> str:
    for row in facts["rows"]:
        if (row["network"], row["method"]) == (kind, method):
            return _percent(row["figures"]["accuracy"])
    return ""


def _set(name: str, facts: Mapping[str, Any]) -> list[str]:
    objects = facts["objects"]
    split = "split by time" if facts["split"] == "time" else "a random fifth held out"
    lines = [
        f"## {name}",
        "",
        f"{facts['what']}. {facts['taxa']} taxa; {objects['train']} objects to learn from, "
        f"{objects['validation']} to choose and calibrate, {objects['test']} held out; {split}."
        + _left_out(facts),
        "",
        "| | " + " | ".join(_COLUMNS.values()) + " |",
        "|---|" + "---:|" * len(_COLUMNS),
    ]
    for row in facts["rows"]:
        suffix = " (shore network)" if row["network"] == "shore" else ""
        cells = [_percent(row["figures"][column]) for column in _COLUMNS]
        lines.append(f"| {_METHODS[row['method']]}{suffix} | " + " | ".join(cells) + " |")
    lines += ["", *_notes(facts), ""]
    pictures = {
        "confusion": f"{name}: of the objects of each taxon, the share called so",
        "reliability": f"{name}: probability against share called right",
        "per-taxon": f"{name}: F1 of each taxon against its held-out objects",
    }
    lines += [f"![{words}]({name}-{what}.png)" for what, words in pictures.items()]
    return [*lines, ""]


def _left_out(facts: Mapping[str, Any]) -> str:
    reasons = [f"{n} {reason}" for reason, n in sorted(facts["left_out"].items())]
    if facts["set_aside"]:
        reasons.append(f"{facts['set_aside']} unreadable or blank")
    return f" Left out: {', '.join(reasons)}." if reasons else ""


def _notes(facts: Mapping[str, Any]) -> list[str]:
    lines = []
    for kind, gain in facts["gain"].items():
        words = f"ZP+SCN over {gain['over']}"
        suffix = " (shore network)" if kind == "shore" else ""
        low = gain["difference"][0]
        verdict = "not worse" if low >= 0 else "worse"
        lines.append(f"- {words}{suffix}: {_signed(gain['difference'])} points: {verdict}.")
    for kind, network in facts["networks"].items():
        lines += _of_network(kind, network)
    trust, unknown = facts["trust"], facts["unknown"]
    if trust:
        right = trust["sure_and_right"]
        kept = "" if right is None else f", of which {100 * right:.1f} % rightly"
        lines.append(
            f"- Thresholds for {100 * trust['target']:.0f} % precision: "
            f"{trust['taxa_with_threshold']} of {trust['taxa']} taxa have one (for the others the "
            f"validation objects do not show it); {100 * trust['sure']:.1f} % of the held-out "
            f"objects are called for sure{kept}, {100 * trust['backed_off']:.1f} % by a taxon "
            "higher up."
        )
    if unknown:
        lines.append(
            f"- Unknown score: a head that was not taught {len(unknown['left_out'])} of the taxa "
            f"tells their {unknown['objects']} objects from the rest with AUROC "
            f"{unknown['auroc']:.3f} (1 - the highest probability: "
            f"{unknown['auroc_of_1_minus_p']:.3f}). Its network had seen them."
        )
    return lines


def _of_network(kind: str, network: Mapping[str, Any]) -> list[str]:
    facts = network["network"]
    macs = facts.get("million multiply-accumulates per object, median")
    size = f"{network['parameters']:,} weights and biases"
    size += f", {macs} million multiply-accumulates for the median object" if macs else ""
    own = "" if network["own"] else " It was trained on another set: a stand-in."
    lines = [f"- The {kind} network: {size}.{own}"]
    found = network["quantization"] if network["own"] else {}
    accuracy = "accuracy of the embedding alone, "
    if f"{accuracy}float" in found:
        full, small = (100 * float(found[accuracy + kind]) for kind in ("float", "int8"))
        lines.append(
            f"- int8 against float ({kind}, embedding alone): {small:.1f} % and {full:.1f} %, "
            f"{full - small:+.1f} points lost."
        )
    return lines


def _percent(interval: list[float]) -> str:
    value, low, high = (100 * x for x in interval)
    return f"{value:.1f} [{low:.1f}, {high:.1f}]"


def _signed(interval: list[float]) -> str:
    value, low, high = (100 * x for x in interval)
    return f"{value:+.1f} [{low:+.1f}, {high:+.1f}]"


def _2018() -> list[str]:
    rows = {
        "flowcam": (82.65, 82.98, 86.64, 69.22),
        "uvp5ccelter": (85.89, 79.96, 86.70, 52.36),
        "zoocam": (87.49, 90.30, 92.16, 88.64),
        "zooscan": (71.14, 78.90, 79.96, 61.09),
    }
    return [
        "## The table of 2018",
        "",
        "From a talk by the EcoTaxa team (Irisson, Schröder, Picheral, Laboratoire "
        "d'Océanographie de Villefranche, 2018); accuracy in percent, on far larger sets of the "
        "same instruments, so figures cannot be set against ours one by one. What can: both kinds "
        "of features together beat either.",
        "",
        "| data set | RF on ZP | RF on SCN | RF on both | SparseConvNet alone |",
        "|---|---:|---:|---:|---:|",
        *(
            f"| {name} | " + " | ".join(f"{x:.2f}" for x in row) + " |"
            for name, row in rows.items()
        ),
        "",
    ]
