"""The class map: which folders of a labelled set make which taxon. Data, versioned, in a TOML file.

Example:
    >>> ClassMap.load(SPC_CLASSES).taxon_of["Oikopleura"]
    'Appendicularia'
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SPC_CLASSES = Path(__file__).with_name("spc_classes.toml")


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
    card: CardText = CardText()

    @classmethod
    def load(cls, path: Path) -> ClassMap:
        """Raises ValueError naming the file and what is wrong: a key missing, a folder twice."""
        try:
            content = tomllib.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error
        for key, kind in (("version", int), ("taxa", dict), ("drop", dict)):
            if not isinstance(content.get(key), kind):
                raise ValueError(f"{path}: {key} must be given, a {kind.__name__}")
        taxon_of: dict[str, str] = {}
        for taxon, folders in content["taxa"].items():
            for folder in folders:
                if folder in taxon_of or folder in content["drop"]:
                    raise ValueError(f"{path}: folder {folder} is named twice")
                taxon_of[folder] = taxon
        return cls(content["version"], taxon_of, content["drop"], _card(path, content))

    @property
    def merged(self) -> dict[str, list[str]]:
        """Taxon -> its folders."""
        folders: dict[str, list[str]] = {}
        for folder, taxon in sorted(self.taxon_of.items()):
            folders.setdefault(taxon, []).append(folder)
        return folders


def _card(path: Path, content: dict[str, Any]) -> CardText:
    """Raises ValueError naming the file and the key that is not what it should be."""
    said = content.get("card", {})
    try:
        limits, catch_alls = (
            tuple(str(text) for text in said.pop(key, ())) for key in ("limits", "catch_alls")
        )
        text = CardText(str(said.pop("licence", "")), limits, catch_alls)
    except (AttributeError, TypeError) as error:
        raise ValueError(f"{path}: card must be a table of texts and lists of texts") from error
    if said:
        raise ValueError(f"{path}: card.{min(said)} is not known; licence, limits, catch_alls are")
    unknown = set(text.catch_alls) - set(content["taxa"])
    if unknown:
        raise ValueError(f"{path}: card.catch_alls names {min(unknown)}, which is no taxon here")
    return text
