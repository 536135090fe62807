"""EcoTaxa's tree: the table that its taxonomy server exports, or what its API answers, as JSON.

A deprecated taxon with rename_to becomes a signpost: its number still leads to the other one, so
objects annotated with it years ago find their taxon.

Example:
    >>> read_table("taxoexport.tsv", head, rows, problems).entries[0].ecotaxa_id
    45072
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from server.ecotaxa.problems import Problems
from server.taxonomy.entries import NESTED_MOST, Cells, Checklist, Entry
from server.taxonomy.names import DEPRECATED

COLUMNS = {"key": "id", "parent": "parent_id", "accepted": "rename_to", "name": "name"}
_TAKEN = (
    "id", "parent_id", "name", "rank", "taxotype", "taxostatus", "aphia_id", "rename_to"
)  # fmt: skip
_SAME = {"type": "taxotype", "status": "taxostatus"}


def is_one(head: Iterable[str]) -> bool:
    """Whether these are the columns of EcoTaxa's export."""
    return {"id", "parent_id", "name", "taxotype"} <= {name.casefold() for name in head}


def read_table(
    file: str, head: list[str], rows: Iterable[tuple[int, list[str]]], problems: Problems
) -> Checklist:
    """The checklist of an exported table."""
    columns = {name.casefold(): n for n, name in enumerate(head)}
    return _read(
        file,
        (
            (
                line,
                {name: row[columns[name]] for name in _TAKEN if columns.get(name, 9999) < len(row)},
            )
            for line, row in rows
        ),
        problems,
    )


def read_json(file: str, text: str, problems: Problems) -> Checklist | None:
    """The checklist of taxa as EcoTaxa's API gives them: a list, or one of them."""
    if len(text) > NESTED_MOST:
        problems.error(
            f"more than {NESTED_MOST // 10**6} MB of JSON",
            remedy="take EcoTaxa's table, or import it in parts",
            file=file,
        )
        return None
    try:
        given = json.loads(text)
    except (ValueError, RecursionError) as error:
        problems.error(f"not JSON ({error})", remedy="save the API's answer as it came", file=file)
        return None
    listed = given if isinstance(given, list) else [given]
    rows = []
    for n, one in enumerate(listed, start=1):
        if not isinstance(one, dict) or "id" not in one or "name" not in one:
            problems.error(
                "not a taxon of EcoTaxa's API",
                remedy="each needs an id, a name and its id_lineage or parent_id",
                file=file,
                line=n,
            )
            continue
        rows.append((n, _texts(one)))
    return _read(file, rows, problems)


def _texts(one: Mapping[str, Any]) -> dict[str, str]:
    found = {_SAME.get(name, name): value for name, value in one.items()}
    lineage = one.get("id_lineage")
    if "parent_id" not in found and isinstance(lineage, list) and len(lineage) > 1:
        found["parent_id"] = lineage[1]
    simple = {name: found.get(name) for name in _TAKEN}
    return {name: "" if value is None else str(value) for name, value in simple.items()}


def _read(
    file: str, rows: Iterable[tuple[int, Mapping[str, str]]], problems: Problems
) -> Checklist:
    found = Checklist(file, "EcoTaxa", COLUMNS, numbers="ecotaxa_id")
    for line, texts in rows:
        entry = _entry(Cells(file, line, texts, problems))
        if entry is not None:
            found.entries.append(entry)
    return found


def _entry(cells: Cells) -> Entry | None:
    number, parent = cells.number("id"), cells.number("parent_id")
    if number is None:
        if not cells.text("id"):
            cells.error("id", "no number", "give every line EcoTaxa's number")
        return None
    if cells.text("name").endswith(DEPRECATED):
        cells = Cells(
            cells.file,
            cells.line,
            {**cells.texts, "name": cells.text("name").removesuffix(DEPRECATED)},
            cells.problems,
        )
    name = cells.name("name")
    kind = cells.text("taxotype") or "P"
    status = cells.text("taxostatus") or "A"
    if kind not in ("P", "M"):
        cells.error("taxotype", "expected P (phylogenetic) or M (morphological)", "correct it")
    if status not in ("A", "N", "D"):
        cells.error("taxostatus", "expected A, N (not reviewed) or D (deprecated)", "correct it")
    target = cells.number("rename_to")
    return Entry(
        cells.line,
        str(number),
        name,
        parent=None if parent is None else str(parent),
        rank=cells.rank("rank"),
        kind=kind,
        status=status,
        aphia_id=cells.number("aphia_id"),
        ecotaxa_id=number,
        accepted=None if target is None or target == number else str(target),
        signpost=True,
    )
