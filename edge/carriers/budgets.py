"""What the link may cost in any 24 hours: bytes of a carrier, joules. Satellite credits are counted
by the link that spends them (`edge.links.purse`).

A fifth is kept for P0 (health, events, answers), so that what an instrument must say finds its way
when objects have used up the rest. A request is paid before it leaves, at the most that it may
cost, and what was not used comes back after it: a kill at any moment errs on the dear side. The
books lie in the outbox and go by known time (`known_time`), so neither a reboot nor a clock that
jumps refills them.

Example:
    >>> account = budgets.account(link.carriage)
    >>> account.left(priority=2).bytes
    838860.8
    >>> with account.paying(size=2_000):
    ...     link.send(batch)
"""

import contextlib
import json
import math
import threading
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Protocol

from edge.carriers.known_time import Mark
from edge.carriers.window import Window
from edge.clock import Clock
from edge.links import Carriage

FACT = "budget"
RESERVE = 0.2
"""Share of each budget that is for P0 alone."""
ENOUGH = 1e18
"""Where there is no limit."""


@dataclass(frozen=True)
class Tariff:
    """What a carrier may use in 24 hours (0: no limit), and what it draws. `seconds_max` is the
    longest that a request may take."""

    bytes_day: float = 0.0
    j_per_byte: float = 0.0
    watts: float = 0.0
    seconds_max: float = 30.0


@dataclass(frozen=True)
class Left:
    """What a record of some priority may still use of a carrier."""

    bytes: float
    short: str = ""
    """Which budget is the narrow one, in words."""


class Books(Protocol):
    """What keeps the books: the outbox."""

    @property
    def boot(self) -> int: ...

    def fact(self, name: str) -> str | None: ...

    def note(self, name: str, value: str) -> None: ...


@dataclass
class Budgets:
    """Every carrier's books in one. For any thread."""

    books: Books
    clock: Clock
    tariffs: Mapping[str, Tariff] = field(default_factory=dict)
    joules_day: float = 0.0

    def __post_init__(self) -> None:
        self._guard = threading.Lock()
        stored = json.loads(self.books.fact(FACT) or "{}")
        self._mark = Mark(**stored.get("mark", {}))
        self._windows = {
            name: Window(tuple((int(slot), float(amount)) for slot, amount in slots))
            for name, slots in stored.get("spent", {}).items()
        }

    def account(self, carriage: Carriage) -> "Account":
        return Account(self, carriage, self.tariffs.get(carriage.name, Tariff()))

    def spend(self, amounts: Mapping[str, float]) -> None:
        """Enter it in the books, durably where the disk has room."""
        with self._guard:
            now_s = self._now_s()
            for name, amount in amounts.items():
                self._windows[name] = self._windows.get(name, Window()).plus(now_s, amount)
            self.books.note(FACT, self._as_text())

    def spent(self, name: str) -> float:
        """In the last 24 hours."""
        with self._guard:
            return self._windows.get(name, Window()).spent(self._now_s())

    def free_s(self, name: str) -> float:
        """How long until some of it comes back."""
        with self._guard:
            return self._windows.get(name, Window()).free_s(self._now_s())

    def _now_s(self) -> float:
        clock = self.clock
        self._mark = self._mark.advanced(self.books.boot, clock.mono_ms(), clock.utc_ms())
        return self._mark.known_s

    def _as_text(self) -> str:
        windows = {name: window.slots for name, window in self._windows.items()}
        return json.dumps({"mark": asdict(self._mark), "spent": windows}, separators=(",", ":"))


@dataclass(frozen=True)
class Account:
    """One carrier's part of the books."""

    budgets: Budgets
    carriage: Carriage
    tariff: Tariff

    @property
    def limits(self) -> dict[str, float]:
        """The budgets that bind this carrier, by name, per 24 hours."""
        name, tariff = self.carriage.name, self.tariff
        limits = {
            f"{name} bytes": tariff.bytes_day,
            "joules": self.budgets.joules_day,
        }
        return {name: limit for name, limit in limits.items() if limit}

    def left(self, priority: int) -> Left:
        """The largest request, in bytes with all that goes with it, that records of a priority may
        make now; below 0 when not even an empty one."""
        share = 1.0 if priority == 0 else 1.0 - RESERVE
        narrow = Left(ENOUGH)
        for name, limit in self.limits.items():
            size = self._bytes_for(name, share * limit - self.budgets.spent(name))
            if size < narrow.bytes:
                narrow = Left(size, name)
        return Left(narrow.bytes - self.carriage.overhead_bytes, narrow.short)

    def _bytes_for(self, name: str, amount: float) -> float:
        """How many bytes an amount pays for."""
        tariff = self.tariff
        if name == "joules":
            rest = amount - tariff.watts * tariff.seconds_max
            return rest / tariff.j_per_byte if tariff.j_per_byte else math.copysign(ENOUGH, rest)
        return amount

    def paid(self, size: int, seconds: float) -> None:
        """Enter what has come already, in a transfer that is under way."""
        tariff = self.tariff
        joules = size * tariff.j_per_byte + tariff.watts * seconds
        costs = {f"{self.carriage.name} bytes": float(size), "joules": joules}
        self.budgets.spend({name: costs.get(name, 0.0) for name in self.limits})

    @contextlib.contextmanager
    def paying(self, size: int) -> Iterator[None]:
        """Pay for a request of `size` bytes, whether it succeeds or not: most of what fails has
        crossed the link all the same."""
        tariff, carriage = self.tariff, self.carriage
        if not self.limits:
            yield
            return
        full = size + carriage.overhead_bytes
        worst_j = full * tariff.j_per_byte + tariff.watts * tariff.seconds_max
        costs = {f"{carriage.name} bytes": float(full), "joules": worst_j}
        self.budgets.spend({name: costs[name] for name in self.limits})
        clock = self.budgets.clock
        began_ms = clock.mono_ms()
        try:
            yield
        finally:
            if tariff.watts and "joules" in self.limits:
                unused_s = tariff.seconds_max - (clock.mono_ms() - began_ms) / 1e3
                self.budgets.spend({"joules": -tariff.watts * unused_s})

    def report(self) -> dict[str, dict[str, float]]:
        """What was used of what, by budget, for people."""
        return {
            name: {"used": round(self.budgets.spent(name), 1), "of": limit}
            for name, limit in self.limits.items()
        }
