"""A sender over simulated shores, whose time goes by as it wants to wait."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from edge.agent.orders import Orders
from edge.agent.sender import Sender
from edge.carriers.budgets import Budgets, Tariff
from edge.carriers.desk import Desk, LinkSettings
from edge.clock import SystemClock
from edge.config import UpdatesConfig
from edge.config_link import LinkConfig
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


class Simulated(SystemClock):
    """A clock that goes on when a test says so, over days if need be."""

    def __init__(self) -> None:
        super().__init__(trust_system=False, synchronised=Path("/nonexistent"))
        self.s = 0.0

    def mono_ms(self) -> int:
        return int(self.s * 1e3)


class Stepped(Sender):
    """After each round the time that it wants to wait has gone by."""

    def __init__(self, links: Sequence[Link], desk: Desk, budgets: Budgets) -> None:
        super().__init__(links, desk, budgets)
        self._time = Simulated()
        desk.now_s = self.desk_s
        budgets.clock = self._time

    def desk_s(self) -> float:
        return self._time.s

    def pass_s(self, seconds: float) -> None:
        self._time.s += seconds

    def round(self) -> float:
        wait_s = super().round()
        self._time.s += wait_s
        return wait_s


@pytest.fixture
def make(tmp_path: Path, outbox: Outbox, clock: SystemClock) -> Make:
    def build(
        *shores: Link,
        claim: str = "claim",
        hello_s: float = 0.0,
        tariffs: Mapping[str, Tariff] | None = None,
    ) -> Sender:
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
        return Stepped(shores, desk, Budgets(outbox, clock, tariffs or {}))

    return build
