"""What a person can set or call is documented, or this fails."""

import argparse
import re
from dataclasses import fields
from pathlib import Path

import pytest

from edge.cli import build_parser, command_names
from edge.config import TABLES, keys, load
from edge.simulator import SimSettings

DOCS = Path(__file__).parents[3] / "docs"
TEXT = (DOCS / "configuration.md").read_text()


def section(table: str) -> str:
    """The part of the page about one table."""
    found = re.search(rf"^#+ \[{re.escape(table)}\]\n(.*?)(?=^##|\Z)", TEXT, re.M | re.S)
    assert found, f"docs/configuration.md has no section [{table}]"
    return found.group(1)


def documented(text: str) -> set[str]:
    """The keys in the first cells of a section's table."""
    cells = re.findall(r"^\| (`[^|]*) \|", text, re.M)
    return {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}


@pytest.mark.parametrize("table", TABLES)
def test_every_key_is_documented_and_no_other(table: str) -> None:
    assert documented(section(table)) == set(keys(table))


def test_every_key_of_the_simulator_is_documented_and_no_other() -> None:
    known = {"truth", "preset", *(f.name for f in fields(SimSettings))}
    assert documented(section("source.simulator")) == known


def test_defaults_in_the_page_are_those_of_the_program() -> None:
    for table, cls in TABLES.items():
        rows = re.findall(r"^\| `(\w+)` \| ([^|]+) \|", section(table), re.M)
        defaults = {f.name: f.default for f in fields(cls)}
        for name, said in rows:
            if re.fullmatch(r"-?\d+(\.\d+)?", said):
                assert float(said) == defaults[name], f"[{table}] {name}"
            elif said in ("true", "false"):
                assert (said == "true") is defaults[name], f"[{table}] {name}"


def test_the_example_in_the_page_works(tmp_path: Path) -> None:
    example = re.search(r"```toml\n(.*?)```", TEXT, re.S)
    assert example
    (tmp_path / "instrument.toml").write_text(example.group(1))
    assert load(tmp_path / "instrument.toml").device.name == "north"


def subcommands() -> dict[str, argparse.ArgumentParser]:
    action = next(a for a in build_parser()._actions if isinstance(a, argparse._SubParsersAction))
    return dict(action.choices)


@pytest.mark.parametrize("name", command_names())
def test_every_command_is_documented_and_has_an_example_and_help(name: str) -> None:
    pages = {path: path.read_text() for path in DOCS.rglob("*.md")}
    here = [path for path, text in pages.items() if f"seadrift-edge {name}" in text]
    assert here, f"no page in docs/ mentions seadrift-edge {name}"
    command = subcommands()[name]
    assert command.epilog is not None
    assert f"seadrift-edge {name}" in command.epilog
    for action in command._actions:
        assert action.help, f"seadrift-edge {name} {action.option_strings}: no help"
