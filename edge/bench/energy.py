"""From counted instructions to joules on each board.

    instructions / (instructions per cycle * clock) = seconds of one core
    marginal joules = watts that a busy core adds * seconds
    whole-board joules = idle watts * time from frame to frame + marginal joules

The coefficients and where each comes from: hardware/boards. Instructions per cycle are assumed, so
the joules are good to a factor of two at best; the instructions themselves are exact.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from edge import board as boards
from edge.bench.arm64.counting import Counted, count
from edge.bench.arm64.environment import CHECKOUT, MissingToolError, prepare
from edge.bench.scenes import Scene, of_objects
from edge.board import Board, weakest
from edge.budget import busy_ms, frame_energy
from models.figures import Row, missing, table

PERIOD_S = 1.0
"""One frame a second: what the whole board's joules are of."""


def rows(scenes: Sequence[Scene], say: Callable[[str], None], only: str = "") -> list[Row]:
    """For each arm64 board (or one): instructions of each stage of each frame, and joules."""
    known = [boards.load(name) for name in boards.names() if only in ("", name)]
    try:
        environment = prepare(CHECKOUT / "build" / "arm64", say)
    except MissingToolError as error:
        return [missing("arm64 instructions a frame", f"not counted ({error})")]
    frames = {scene.name: scene.grey for scene in scenes}
    found: list[Row] = []
    for board in known:
        if board.arch != "aarch64":
            continue
        say(f"counting instructions on an emulated {board.emulated_cpu}")
        for counted in count(environment, board.emulated_cpu, frames):
            found += instruction_rows(board, counted) + joule_rows(board, counted)
    return found


def instruction_rows(board: Board, frame: Counted) -> list[Row]:
    """Millions of instructions: each stage, all, and which of them are not the C library's."""
    head = f"{board.emulated_cpu}, {frame.name}: "
    stages = [(stage.name, stage.instructions) for stage in frame.stages]
    stages += [("whole frame", frame.instructions)]
    stages += [("of it in the C library", frame.library)]
    return [Row(head + name, number / 1e6, "M instructions") for name, number in stages]


def joule_rows(board: Board, frame: Counted) -> list[Row]:
    """Of one frame a second; the basis is that of the weakest coefficient."""
    busy = busy_ms(board, frame.instructions)
    energy = frame_energy(board, busy, PERIOD_S)
    basis = weakest(board.instructions_per_cycle, board.clock_ghz, board.core_w)
    head = f"{board.stem}, {frame.name}: "
    return [
        Row(head + "one core busy", busy, f"ms ({basis})"),
        Row(head + "marginal energy", energy.marginal_j, f"J ({basis})"),
        Row(head + "whole board, a frame a second", energy.board_j, f"J ({energy.basis})"),
    ]


if __name__ == "__main__":
    print(table(rows(of_objects((0, 20, 100, 500)), print)))
