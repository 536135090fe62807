"""Every kind, parameter and function of formulas of an export is in its page."""

import re
from pathlib import Path
from typing import Any

import pytest

from server.exports import general, spectrum, summary
from server.exports.arithmetic import FUNCTIONS
from server.exports.asked import AskedError
from server.exports.dwca import asked as dwca_asked
from server.exports.export import Export
from server.exports.kinds import KINDS
from server.exports.quantities import NAMES

DOCS = Path(__file__).parents[3] / "docs"
PAGE = (DOCS / "exports.md").read_text(encoding="utf-8")
GUIDE = (DOCS / "how-to/export.md").read_text(encoding="utf-8")


def test_every_kind_has_its_place() -> None:
    for kind in KINDS:
        assert f"| `{kind}` |" in GUIDE
        assert kind == "backup" or f"## `{kind}`" in PAGE


@pytest.mark.parametrize(
    ("kind", "asked"),
    [
        ("general", general.Asked),
        ("summary", summary.Asked),
        ("spectrum", spectrum.Asked),
        ("dwca", dwca_asked.Asked),
    ],
)
def test_every_parameter_is_told(kind: str, asked: Any, tmp_path: Path) -> None:
    none: Any = None
    with pytest.raises(AskedError) as raised:
        asked.of(Export(none, none, 1, {"?": 1}, "", 1, tmp_path))
    [said] = raised.value.errors
    section = PAGE.partition(f"## `{kind}`")[2].partition("\n## ")[0]
    for name in re.findall(r"\w+", said.partition("there are ")[2]):
        assert f"`{name}`" in section or name in ("kind", "filters"), name


def test_every_function_and_formula_is_told() -> None:
    told = re.findall(r"\w+", PAGE.partition("## Formulas")[2].partition("\n## ")[0])
    assert set(FUNCTIONS) <= set(told)
    assert set(NAMES) <= set(told)
