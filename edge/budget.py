"""What a frame costs in joules, estimated from the board's profile and processor time.

The time is measured on the board itself, or follows from the instructions that were counted under
emulation (`busy_ms`).

Two figures, because one of them always misleads: the marginal energy is what the frame adds above
an idle board, and decides whether a better kernel is worth it; the whole-board energy is what the
battery loses per frame, idle included, and decides how long a mission lasts.

Example:
    >>> frame_energy(board, busy_ms=65.0, period_s=1.0).marginal_j
    0.02925
"""

from dataclasses import dataclass

from edge.board import Board


@dataclass(frozen=True)
class Energy:
    """Joules for one frame; `basis` is that of the weakest figure behind them."""

    marginal_j: float
    board_j: float
    basis: str


def frame_energy(board: Board, busy_ms: float, period_s: float) -> Energy:
    """`busy_ms` is one core's busy time for a frame, `period_s` the time from frame to frame.

    marginal = core_w * busy; board = idle_w * period + marginal."""
    busy_s = busy_ms / 1e3
    marginal_j = board.core_w.value * busy_s
    return Energy(
        marginal_j=marginal_j,
        board_j=board.idle_w.value * max(period_s, busy_s) + marginal_j,
        basis=board.weakest,
    )


def frame_period_s(marginal_j: float, joules_day: float) -> float:
    """The shortest time from frame to frame with which frames cost no more than so many joules
    above an idle board in a day, spread evenly over it."""
    return marginal_j * 86400.0 / joules_day


def busy_ms(board: Board, instructions: float) -> float:
    """One core's time for so many instructions of the board's processor.

    Good to a factor of two at best: instructions per cycle are assumed (hardware/README.md)."""
    return instructions / (board.instructions_per_cycle.value * board.clock_ghz.value * 1e9) * 1e3
