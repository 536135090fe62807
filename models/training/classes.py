"""The class map: which folders of a labelled set make which taxon. Data, versioned, in a TOML file.

Example:
    >>> ClassMap.load(SPC_CLASSES).taxon_of["Oikopleura"]
    'Appendicularia'
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

SPC_CLASSES = Path(__file__).with_name("spc_classes.toml")


@dataclass(frozen=True)
class ClassMap:
    version: int
    taxon_of: dict[str, str]  # folder -> taxon
    dropped: dict[str, str]  # folder -> reason

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
        return cls(content["version"], taxon_of, content["drop"])

    @property
    def merged(self) -> dict[str, list[str]]:
        """Taxon -> its folders."""
        folders: dict[str, list[str]] = {}
        for folder, taxon in sorted(self.taxon_of.items()):
            folders.setdefault(taxon, []).append(folder)
        return folders
