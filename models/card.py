"""The model card: what a release was trained on, how good it is, and what it cannot do.

`card.json` is for programs, `card.md` is made from it for people. Figures come from
models/evaluation.py; numbers are never typed in by hand.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from models.evaluation import Evaluation

_FIGURES = {
    "taxa": "taxa among them",
    "balanced_accuracy": "balanced accuracy (mean recall)",
    "macro_f1": "macro F1",
    "log_loss": "log loss",
    "calibration_error": "calibration error",
}

_METHODS = {
    "ZP": "random forest on measures",
    "SCN": "random forest on the network's features",
    "ZP+SCN": "random forest on both",
    "network": "the network alone",
    "head": "this release's head, int8",
}
_QUOTED = {"accuracy": "accuracy", "macro_f1": "macro F1", "abundance_bias": "abundance bias"}


def make_card(
    name: str,
    evaluation: Evaluation,
    *,
    trained_on: Mapping[str, int],
    description: str = "",
    data: str = "",
    licence: str = "",
    split: str = "",
    limits: Sequence[str] = (),
    details: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """A card as plain JSON values.

    trained_on: taxon -> objects it was trained on. details: anything further, shown as a table
    (e.g. {"network": {...}, "class map": {...}}).
    """
    return {
        "name": name,
        "description": description,
        "summary": evaluation.summary(),
        "data": data,
        "licence": licence,
        "split": split,
        "limits": list(limits),
        "taxa": [
            {
                "taxon": t.taxon,
                "trained_on": trained_on.get(t.taxon, 0),
                "support": t.support,
                "precision": None if t.precision is None else round(t.precision, 4),
                "recall": None if t.recall is None else round(t.recall, 4),
                "f1": None if t.f1 is None else round(t.f1, 4),
            }
            for t in evaluation.taxa
        ],
        "confusion": {
            "taxa": [t.taxon for t in evaluation.taxa],
            "rows_are_truth": evaluation.confusion.tolist(),
        },
        "details": dict(details or {}),
    }


def with_table(
    card: Mapping[str, Any], results: Mapping[str, Any], name: str = "spc"
) -> dict[str, Any]:
    """The card with its rows of the table of all methods. results: results.json as
    `seadrift evaluate --table` writes it. Raises KeyError if it has no set of that name."""
    facts = results["sets"][name]
    rows: dict[str, str] = {}
    for row in facts["rows"]:
        suffix = " (shore network)" if row["network"] == "shore" else ""
        figures = [f"{words} {_interval(row['figures'][key])}" for key, words in _QUOTED.items()]
        rows[_METHODS[row["method"]] + suffix] = ", ".join(figures)
    objects = facts["objects"]["test"]
    title = f"All methods on the same {objects} held-out objects, 95 % bootstrap intervals"
    return {**card, "details": {**card.get("details", {}), title: rows}}


def _interval(values: Sequence[float]) -> str:
    value, low, high = (100 * x for x in values)
    return f"{value:.1f} % [{low:.1f}, {high:.1f}]"


def as_markdown(card: Mapping[str, Any]) -> str:
    """The card for people; sections that the card does not have are left out."""
    lines = [f"# {card.get('name', 'Model card')}", ""]
    if card.get("description"):
        lines += [str(card["description"]), ""]
    if card.get("summary"):
        figures = {_FIGURES.get(key, key): value for key, value in card["summary"].items()}
        lines += ["## On held-out objects", "", *_table(figures), ""]
    for title, field in (("Data", "data"), ("Licence", "licence"), ("Split", "split")):
        if card.get(field):
            lines += [f"## {title}", "", str(card[field]), ""]
    if card.get("limits"):
        lines += ["## Limits", "", *(f"- {limit}" for limit in card["limits"]), ""]
    if card.get("taxa"):
        lines += ["## Taxa", "", *_taxa(card["taxa"]), ""]
    if card.get("confusion"):
        lines += ["## Most frequent confusions", "", *_confusions(card["confusion"]), ""]
    for title, rows in dict(card.get("details", {})).items():
        lines += [f"## {title[:1].upper()}{title[1:]}", "", *_table(rows), ""]
    return "\n".join(lines)


def _table(rows: Mapping[str, Any]) -> list[str]:
    return ["| | |", "|---|---|", *(f"| {key} | {_text(value)} |" for key, value in rows.items())]


def _taxa(taxa: Sequence[Mapping[str, Any]]) -> list[str]:
    header = "| taxon | trained on | support | precision | recall | F1 |"
    rows = [
        f"| {t['taxon']} | {t['trained_on']} | {t['support']} "
        f"| {_share(t['precision'])} | {_share(t['recall'])} | {_share(t['f1'])} |"
        for t in taxa
    ]
    return [header, "|---|---:|---:|---:|---:|---:|", *rows]


def _confusions(confusion: Mapping[str, Any], most: int = 12) -> list[str]:
    names, rows = confusion["taxa"], confusion["rows_are_truth"]
    pairs = [
        (count, names[i], names[j])
        for i, row in enumerate(rows)
        for j, count in enumerate(row)
        if i != j and count
    ]
    pairs.sort(key=lambda pair: (-pair[0], pair[1], pair[2]))
    return [
        "| objects | are | were called |",
        "|---:|---|---|",
        *(f"| {count} | {truth} | {called} |" for count, truth, called in pairs[:most]),
    ]


def _share(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f} %"


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {part}" for key, part in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
