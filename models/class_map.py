"""The class map: which folders of a labelled set make which taxon, and what stands above it.

Data, versioned, in a TOML file:

    version = 1
    [taxa]                                  # taxon = the folders that are merged into it
    Calanidae = ["Calanus", "Neocalanus"]
    blob = ["Blob"]
    [drop]                                  # folder = why it is left out
    Doliolida = "3 images of one burst: nothing to hold out"
    [parents]                               # optional: taxon = the taxon above it
    Calanidae = "Copepoda"
    [card]                                  # optional: what a model card says of the data
    licence = "..."
    limits = ["one camera at one place"]
    catch_alls = ["blob"]                   # taxa that are the annotators' "something else"

A parent may be a taxon of the map or stand above them only; a taxon without one is a root.

Example:
    >>> ClassMap.load(SPC_CLASSES).taxon_of["Oikopleura"]
    'Appendicularia'
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SPC_CLASSES = Path(__file__).with_name("training") / "spc_classes.toml"

_TABLES = ("taxa", "drop", "parents")
_TABLE_LINE = re.compile(r"\s*\[\s*(\w+)\s*\]")
_KEY_LINE = re.compile(r"""\s*("(?:[^"\\]|\\.)*"|'[^']*'|[\w-]+)\s*=""")


class ClassMapError(ValueError):
    """The class map cannot be used; the message names the file, the place and what is wrong."""


@dataclass(frozen=True)
class CardText:
    """What a card says that no figure can."""

    licence: str = ""
    limits: tuple[str, ...] = ()
    catch_alls: tuple[str, ...] = ()  # taxa that are the annotators' "something else"


@dataclass(frozen=True)
class ClassMap:
    version: int
    taxon_of: dict[str, str]  # folder -> taxon
    dropped: dict[str, str]  # folder -> reason
    parents: dict[str, str] = field(default_factory=dict)  # taxon -> the one above it
    card: CardText = CardText()

    @classmethod
    def load(cls, path: Path) -> ClassMap:
        """Raises ClassMapError: a key missing or of the wrong kind, a taxon or folder named twice,
        parents that go in a circle."""
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ClassMapError(f"{path}: {error}") from error
        twice = _named_twice(text)  # before the parser, whose message names neither
        if twice:
            raise ClassMapError(f"{path}: {twice}")
        try:
            content = tomllib.loads(text)
        except ValueError as error:
            raise ClassMapError(f"{path}: {error}") from error
        try:
            return _checked(content)
        except ClassMapError as error:
            raise ClassMapError(f"{path}: {error}") from None

    def taxon(self, folder: str) -> str | None:
        """The folder's taxon, None if it is dropped. Raises ClassMapError if it is unknown."""
        if folder not in self.taxon_of and folder not in self.dropped:
            raise ClassMapError(f"folder {folder!r} is not in the class map")
        return self.taxon_of.get(folder)

    @property
    def merged(self) -> dict[str, list[str]]:
        """Taxon -> its folders."""
        folders: dict[str, list[str]] = {}
        for folder, taxon in sorted(self.taxon_of.items()):
            folders.setdefault(taxon, []).append(folder)
        return folders


def _named_twice(text: str) -> str:
    """What a table names twice, with both lines, or nothing."""
    seen: dict[tuple[str, str], int] = {}
    table = ""
    for number, line in enumerate(text.splitlines(), 1):
        header, key = _TABLE_LINE.match(line), _KEY_LINE.match(line)
        if header:
            table = header[1]
        elif key and table in _TABLES:
            name = key[1].strip("\"'")
            if (table, name) in seen:
                first = seen[table, name]
                return f"[{table}] names {name} twice, in lines {first} and {number}: merge them"
            seen[table, name] = number
    return ""


def _checked(content: dict[str, Any]) -> ClassMap:
    for key, kind in (("version", int), ("taxa", dict)):
        if not isinstance(content.get(key), kind):
            raise ClassMapError(f"{key} must be given, {'a number' if kind is int else 'a table'}")
    drop, parents = content.get("drop", {}), content.get("parents", {})
    for key, table in (("drop", drop), ("parents", parents)):
        if not isinstance(table, dict) or not all(isinstance(v, str) for v in table.values()):
            raise ClassMapError(f"[{key}] must be a table of texts")
    taxon_of: dict[str, str] = {}
    for taxon, folders in content["taxa"].items():
        if not isinstance(folders, list) or not all(isinstance(f, str) for f in folders):
            raise ClassMapError(f"[taxa] {taxon} must be a list of folders")
        if not folders:
            raise ClassMapError(f"[taxa] {taxon} has no folder")
        for folder in folders:
            if folder in taxon_of or folder in drop:
                raise ClassMapError(f"folder {folder} is named twice")
            taxon_of[folder] = taxon
    check_parents(parents)
    card = _card(content.get("card", {}), content["taxa"])
    return ClassMap(content["version"], taxon_of, dict(drop), dict(parents), card)


def _card(said: Any, taxa: Mapping[str, Any]) -> CardText:
    keys = ("licence", "limits", "catch_alls")
    if not isinstance(said, dict):
        raise ClassMapError("[card] must be a table")
    for key, value in said.items():
        if key not in keys:
            raise ClassMapError(f"[card] {key} is not known; {', '.join(keys)} are")
        right = isinstance(value, str if key == "licence" else list)
        if not right or not all(isinstance(part, str) for part in value):
            raise ClassMapError(f"[card] {key} must be {'a text' if key == 'licence' else 'texts'}")
    text = CardText(
        said.get("licence", ""), tuple(said.get("limits", ())), tuple(said.get("catch_alls", ()))
    )
    unknown = sorted(set(text.catch_alls) - set(taxa))
    if unknown:
        raise ClassMapError(f"[card] catch_alls names {unknown[0]}, which is no taxon of the map")
    return text


def check_parents(parents: dict[str, str]) -> None:
    """Raises ClassMapError if some taxon stands above itself."""
    for start in parents:
        seen = [start]
        while seen[-1] in parents:
            above = parents[seen[-1]]
            if above in seen:
                raise ClassMapError(f"[parents] go in a circle: {' < '.join([*seen, above])}")
            seen.append(above)
