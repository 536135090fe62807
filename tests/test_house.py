"""What holds the house together: links in the documents resolve, commands have help and examples,
and the packages on the path are ours."""

import argparse
import importlib
import importlib.metadata
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted(p for p in ROOT.rglob("*.md") if not {".venv", "build", "out"} & set(p.parts))
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(?:#[^)]*)?\)")


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_link_in_a_document_leads_somewhere(page: Path) -> None:
    links = [link for link in LINK.findall(page.read_text()) if "://" not in link]
    missing = [link for link in links if not (page.parent / link).exists()]
    assert not missing


@pytest.mark.parametrize("name", ["wire", "models", "edge", "server"])
def test_the_packages_are_ours_alone(name: str) -> None:
    owners = importlib.metadata.packages_distributions().get(name, [])
    assert set(owners) <= {"seadrift"}
    where = Path(str(importlib.import_module(name).__file__))
    assert where.is_relative_to(ROOT)


def _subcommands(module: str) -> list[tuple[str, argparse.ArgumentParser]]:
    parser = importlib.import_module(module).build_parser()
    assert isinstance(parser, argparse.ArgumentParser)
    groups = [a for a in parser._actions if isinstance(a, argparse._SubParsersAction)]
    return [(f"{module}:{name}", sub) for group in groups for name, sub in group.choices.items()]


COMMANDS = [*_subcommands("edge.cli"), *_subcommands("server.cli")]


@pytest.mark.parametrize(("name", "parser"), COMMANDS, ids=[name for name, _ in COMMANDS])
def test_every_command_has_help_with_an_example(name: str, parser: argparse.ArgumentParser) -> None:
    text = parser.format_help()
    assert parser.description, f"{name} has no description"
    assert "example" in text.lower(), f"{name} --help shows no example"


@pytest.mark.parametrize(("name", "parser"), COMMANDS, ids=[name for name, _ in COMMANDS])
def test_every_command_is_in_the_documents(name: str, parser: argparse.ArgumentParser) -> None:
    program = "seadrift-edge" if name.startswith("edge") else "seadrift"
    said = f"{program} {name.split(':')[1]}"
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "hardware").rglob("*.md")]
    assert any(said in page.read_text() for page in pages), f"no page under docs/ shows '{said}'"


def test_the_readme_gives_the_two_commands_that_the_makefile_has() -> None:
    readme = (ROOT / "README.md").read_text()
    makefile = (ROOT / "Makefile").read_text()
    for command in ("demo", "test"):
        assert f"make {command}" in readme
        assert re.search(rf"^{command}:", makefile, re.MULTILINE)
