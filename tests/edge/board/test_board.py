"""Board profiles are complete and say where each figure comes from; energy follows from them."""

from pathlib import Path

import pytest

from edge import board as boards
from edge.budget import frame_energy
from edge.tables import ConfigError

FOLDER = Path(__file__).parents[3] / "hardware" / "boards"


def test_the_four_boards_are_there() -> None:
    assert {"zero2w", "cm4", "pi5", "desktop"} <= set(boards.names())


@pytest.mark.parametrize("name", sorted(path.stem for path in FOLDER.glob("*.toml")))
def test_every_profile_is_complete_and_sourced(name: str) -> None:
    board = boards.load(name)
    assert board.stem == name
    assert board.arch in ("aarch64", "x86_64")
    assert board.idle_w.source
    assert board.cores.value == int(board.cores.value)
    assert board.weakest in ("published", "assumed", "measured")


def test_the_hardware_page_tells_the_same_figures() -> None:
    page = (FOLDER.parent / "README.md").read_text()
    for name in ("zero2w", "cm4", "pi5", "desktop"):
        board = boards.load(name)
        row = next(line for line in page.splitlines() if line.startswith(f"| `{name}`"))
        cells = [cell.strip() for cell in row.split("|")[2:5]]
        for cell, figure in zip(
            cells, (board.idle_w, board.core_w, board.network_gmac_s), strict=True
        ):
            assert float(cell.split()[0]) == figure.value
            assert cell.split()[1] == figure.basis


def test_a_board_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text((FOLDER / "zero2w.toml").read_text())
    assert boards.load("mine.toml", tmp_path).idle_w.value == 0.6


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[idle_w]\nvalue = 0.6", "[idle_w]\nvalue = -1", r"\[idle_w\] value: expected above 0"),
        ("[idle_w]", "[idel_w]", r"idel_w: no such key; did you mean idle_w\?"),
        ('basis = "assumed"', 'basis = "guessed"', r"basis: expected one of"),
        ('arch = "aarch64"', "arch = 3", r"arch: expected text"),
        ("[wake_j]", "[wake_j", "not a board profile"),
    ],
)
def test_profiles_that_are_refused(tmp_path: Path, old: str, new: str, message: str) -> None:
    text = (FOLDER / "zero2w.toml").read_text()
    assert old in text
    (tmp_path / "b.toml").write_text(text.replace(old, new, 1))
    with pytest.raises(ConfigError, match=message):
        boards.load("b.toml", tmp_path)


def test_a_figure_without_a_source_is_refused(tmp_path: Path) -> None:
    lines = (FOLDER / "zero2w.toml").read_text().splitlines()
    at = lines.index("[idle_w]") + 2
    lines[at] = 'source = " "'
    (tmp_path / "b.toml").write_text("\n".join(lines))
    with pytest.raises(ConfigError, match=r"\[idle_w\] source: expected where"):
        boards.load("b.toml", tmp_path)


def test_an_unknown_board_names_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"no such board 'zero3'; known: .*zero2w"):
        boards.load("zero3")


def test_energy_of_a_frame() -> None:
    board = boards.load("zero2w")
    energy = frame_energy(board, busy_ms=100.0, period_s=1.0)
    assert energy.marginal_j == pytest.approx(0.045)
    assert energy.board_j == pytest.approx(0.645)
    assert energy.basis == "assumed"
    hurried = frame_energy(board, busy_ms=100.0, period_s=0.0)
    assert hurried.board_j == pytest.approx(0.6 * 0.1 + 0.045)
