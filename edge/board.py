"""What a board is: cores, clock, watts and network speed, each figure with where it comes from.

`basis` is measured (with a meter, by us), published (by others, see source) or assumed. A figure
without a source is refused, so an estimate can always say how good it is.

Example:
    >>> board = load("zero2w")
    >>> board.idle_w.value, board.idle_w.basis
    (0.6, 'published')
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from edge.tables import ConfigError, check_keys, fill

FOLDERS = (
    Path(__file__).with_name("boards"),  # an installed wheel
    Path(__file__).resolve().parent.parent / "hardware" / "boards",  # a checkout
)


@dataclass(frozen=True)
class Figure:
    """One number, where it comes from, and how."""

    value: float
    source: str
    basis: Literal["measured", "published", "assumed"]


@dataclass(frozen=True)
class Board:
    """Watts are of the whole board; `core_w` is what one busy core adds to `idle_w`.

    `emulated_cpu` is what QEMU calls its processor, `instructions_per_cycle` what this program
    gets out of it."""

    stem: str
    name: str
    arch: str
    note: str
    emulated_cpu: str
    cores: Figure
    clock_ghz: Figure
    instructions_per_cycle: Figure
    memory_mb: Figure
    idle_w: Figure
    core_w: Figure
    network_gmac_s: Figure
    wake_j: Figure

    @property
    def weakest(self) -> str:
        """The weakest basis among the figures that an energy estimate uses."""
        return weakest(self.idle_w, self.core_w)


def weakest(*figures: Figure) -> str:
    """The basis of what is worked out from several figures."""
    order = ("measured", "published", "assumed")
    return max((figure.basis for figure in figures), key=order.index)


_TEXT = ("name", "arch", "note", "emulated_cpu")
_FIGURES = (
    "cores", "clock_ghz", "instructions_per_cycle", "memory_mb", "idle_w", "core_w",
    "network_gmac_s", "wake_j",
)  # fmt: skip


def names() -> list[str]:
    """The boards that come with the program."""
    return sorted({path.stem for folder in FOLDERS for path in folder.glob("*.toml")})


def load(board: str, folder: Path = Path()) -> Board:
    """A board by its name, or by the path of a profile (relative to `folder`).

    Raises ConfigError naming file and key."""
    path = _find(board, folder)
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path}: not a board profile: {error}") from error
    return parse(data, path)


def parse(data: Mapping[str, Any], path: Path) -> Board:
    """A board from decoded TOML. Raises ConfigError."""
    check_keys(data, (*_TEXT, *_FIGURES), str(path), "")
    for key in (*_TEXT, *_FIGURES):
        if key not in data:
            raise ConfigError(f"{path}: {key}: missing")
    for key in _TEXT:
        if not isinstance(data[key], str):
            raise ConfigError(f"{path}: {key}: expected text, got {data[key]!r}")
    figures = {key: fill(Figure, data[key], str(path), key) for key in _FIGURES}
    for key, figure in figures.items():
        if figure.value <= 0:
            raise ConfigError(f"{path}: [{key}] value: expected above 0, got {figure.value}")
        if not figure.source.strip():
            raise ConfigError(f"{path}: [{key}] source: expected where the figure comes from")
    values: dict[str, Any] = {**{key: data[key] for key in _TEXT}, **figures}
    return Board(stem=path.stem, **values)


def _find(board: str, folder: Path) -> Path:
    if board.endswith(".toml") or "/" in board:
        return folder / Path(board).expanduser()
    for place in FOLDERS:
        if (place / f"{board}.toml").exists():
            return place / f"{board}.toml"
    raise ConfigError(f"[device] board: no such board '{board}'; known: {', '.join(names())}")
