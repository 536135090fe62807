"""A sender over simulated shores, whose time goes by as it wants to wait."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from edge.agent.orders import Orders
from edge.agent.sender import Sender
from edge.carriers.budgets import Budgets
from edge.carriers.desk import Desk, LinkSettings
from edge.clock import SystemClock
from edge.config import LinkConfig, UpdatesConfig
from edge.identity import Identity
from edge.links import Link
from edge.outbox import Outbox
from edge.updates.store import ReleaseStore
from edge.updates.updater import Updater

Make = Callable[..., Sender]


@pytest.fixture
def clock() -> SystemClock:
    return SystemClock(trust_system=False, synchronised=Path("/nonexistent"))


@pytest.fixture
def outbox(tmp_path: Path, clock: SystemClock) -> Iterator[Outbox]:
    with Outbox.open(tmp_path / "outbox", max_mb=16, reserve_mb=0, clock=clock) as opened:
        yield opened


class Stepped(Sender):
    """After each round the time that it wants to wait has gone by."""

    def __init__(self, links: Sequence[Link], desk: Desk, budgets: Budgets) -> None:
        super().__init__(links, desk, budgets)
        self.now_s = 0.0
        desk.now_s = lambda: self.now_s

    def round(self) -> float:
        wait_s = super().round()
        self.now_s += wait_s
        return wait_s


@pytest.fixture
def make(tmp_path: Path, outbox: Outbox, clock: SystemClock) -> Make:
    def build(*shores: Link, claim: str = "claim", hello_s: float = 0.0) -> Sender:
        identity = Identity.load_or_make(tmp_path / "identity")
        updater = Updater(ReleaseStore(tmp_path / "releases"), UpdatesConfig(), "auto")
        desk = Desk(
            outbox,
            identity,
            updater,
            Orders(outbox, identity, updater),
            clock,
            LinkSettings(
                LinkConfig(batch_kb=8, retry_max_s=60.0, hello_s=hello_s),
                "https://shore.test",
                claim,
                "north",
                "desktop",
                "test",
            ),
            release=lambda: None,
        )
        return Stepped(shores, desk, Budgets(outbox, clock))

    return build
