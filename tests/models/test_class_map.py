"""The class map: what is wrong with one is told with the file and the lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.class_map import SPC_CLASSES, ClassMap, ClassMapError
from models.taxonomy import Tree

GOOD = """version = 4
[taxa]
Calanidae = ["Calanus", "Neocalanus"]
blob = ["Blob"]
[drop]
Doliolida = "too few"
[parents]
Calanidae = "Copepoda"
"""


def test_folders_are_merged_and_dropped(tmp_path: Path) -> None:
    path = tmp_path / "map.toml"
    path.write_text(GOOD)
    found = ClassMap.load(path)
    assert (found.taxon("Neocalanus"), found.taxon("Doliolida")) == ("Calanidae", None)
    assert found.parents == {"Calanidae": "Copepoda"}
    assert found.merged == {"Calanidae": ["Calanus", "Neocalanus"], "blob": ["Blob"]}
    with pytest.raises(ClassMapError, match="'Salpa' is not in the class map"):
        found.taxon("Salpa")


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ('blob = ["Blob"]', 'Calanidae = ["Blob"]', r"\[taxa\] names Calanidae twice, in lines 3"),
        ('blob = ["Blob"]', '"Calanidae" = ["Blob"]', "names Calanidae twice"),
        ('["Blob"]', '["Calanus"]', "folder Calanus is named twice"),
        ('Doliolida = "too few"', 'Blob = "why"', "folder Blob is named twice"),
        ('Calanidae = "Copepoda"', 'a = "b"\nb = "a"', "circle: a < b < a"),
        ("version = 4", "", "version must be given"),
        ('["Blob"]', "[]", "blob has no folder"),
        ('["Blob"]', "3", "blob must be a list of folders"),
        ('["Blob"]', '["Blob"', "map.toml"),
        ('"Copepoda"', "7", r"\[parents\] must be a table of texts"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, before: str, after: str, message: str) -> None:
    path = tmp_path / "map.toml"
    path.write_text(GOOD.replace(before, after))
    with pytest.raises(ClassMapError, match=message) as caught:
        ClassMap.load(path)
    assert str(path) in str(caught.value)


def test_the_shipped_map_makes_a_tree() -> None:
    found = ClassMap.load(SPC_CLASSES)
    tree = Tree.of(sorted(found.merged), found.parents)
    assert set(found.parents) <= set(tree.nodes)
    assert tree.is_below(["Calanidae", "Hydrozoa"], tree.nodes.index("Copepoda")).tolist() == [
        True,
        False,
    ]
