"""Which carrier to use: the best one that works, without swaying between two.

Carriers stand in an order of preference. The one in use is left after some failures in a row. A
better one that failed is asked for a sign of life now and then (a ping), at most so often as its
backoff allows; it is taken back when it has answered several times in a row and for a while. One
that answers pings and then fails again at real work has to answer twice as long the next time. With
none that works, each is tried when its own wait is over, and the first that succeeds is in use.

Example:
    >>> Choice.among(2, Rules()).failed(0, now_s=0.0, wait_s=60.0).steps(now_s=1.0)
    (Step(place=1, probe=False),)
"""

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Rules:
    """`leave_after` failures in a row end the use of a carrier; a better one is preferred again
    after `return_after` signs of life in a row over at least `return_s`, at most `ceiling_s`."""

    leave_after: int = 3
    return_after: int = 3
    return_s: float = 60.0
    ceiling_s: float = 900.0

    @property
    def probe_s(self) -> float:
        """From one sign of life to the next, while a carrier proves itself."""
        return self.return_s / self.return_after


@dataclass(frozen=True)
class Standing:
    """What is known of one carrier; times are seconds of a clock that never goes back.

    `failures` and `successes` are in a row; `good_since_s` is when the latter began; `relapses`
    counts how often the carrier was left since it last took a record; before `due_s` it is left
    alone."""

    failures: int = 0
    successes: int = 0
    good_since_s: float = 0.0
    relapses: int = 0
    due_s: float = 0.0

    def succeeded(self, now_s: float, wait_s: float, *, delivered: bool = False) -> "Standing":
        """It answered; with `delivered`, it took records."""
        return Standing(
            successes=self.successes + 1,
            good_since_s=self.good_since_s if self.successes else now_s,
            relapses=0 if delivered else self.relapses,
            due_s=now_s + wait_s,
        )

    def failed(self, now_s: float, wait_s: float) -> "Standing":
        return Standing(failures=self.failures + 1, relapses=self.relapses, due_s=now_s + wait_s)

    def works(self, rules: Rules) -> bool:
        return self.failures < rules.leave_after

    def proven(self, now_s: float, rules: Rules) -> bool:
        """Whether it has shown signs of life often and long enough to be preferred again."""
        needed_s = min(rules.ceiling_s, rules.return_s * 2.0 ** min(self.relapses, 30))
        return self.successes >= rules.return_after and now_s - self.good_since_s >= needed_s


@dataclass(frozen=True)
class Step:
    """Ask carrier `place` for a sign of life, or work with it."""

    place: int
    probe: bool


@dataclass(frozen=True)
class Choice:
    """The carriers' standings in order of preference, and which is in use (None: none yet)."""

    standings: tuple[Standing, ...]
    rules: Rules
    in_use: int | None = None

    @classmethod
    def among(cls, count: int, rules: Rules) -> "Choice":
        return cls((Standing(),) * count, rules)

    @property
    def serving(self) -> int | None:
        """The carrier in use, while it works."""
        place = self.in_use
        return None if place is None or not self.standings[place].works(self.rules) else place

    def steps(self, now_s: float) -> tuple[Step, ...]:
        """What to do now, in this order, up to the first visit that leaves nothing behind; those
        worse than the carrier in use may take what it holds back."""
        due = [place for place, standing in enumerate(self.standings) if standing.due_s <= now_s]
        best = self.serving or 0
        return tuple(Step(place, probe=place < best) for place in due)

    def next_due_s(self, needed: tuple[int, ...] = ()) -> float:
        """When there is something to do again, if no new record asks for it earlier; `needed`:
        carriers that are wanted beside the one in use."""
        last = len(self.standings) if self.serving is None else self.serving + 1
        places: list[int] = [*range(last), *needed]
        return min(self.standings[place].due_s for place in places)

    def word(self, place: int) -> str:
        """What a carrier is at, for people."""
        standing = self.standings[place]
        if place == self.serving:
            return "in use"
        if standing.failures:
            return "down"
        if not standing.successes:
            return "not tried"
        return "ready" if self.serving is None or place > self.serving else "proving itself"

    def answered(self, place: int, now_s: float) -> "Choice":
        """A probe came back: once it is proven, the carrier is preferred again."""
        standing = self.standings[place].succeeded(now_s, self.rules.probe_s)
        if standing.proven(now_s, self.rules):
            return self._with(place, replace(standing, due_s=now_s), place)
        return self._with(place, standing, self.in_use)

    def worked(self, place: int, now_s: float, wait_s: float, *, delivered: bool) -> "Choice":
        """A visit succeeded; there is nothing to do there for `wait_s`."""
        standing = self.standings[place].succeeded(now_s, wait_s, delivered=delivered)
        return self._with(place, standing, place if self.serving is None else self.serving)

    def failed(self, place: int, now_s: float, wait_s: float) -> "Choice":
        """A probe or a visit failed, and is not to be repeated for `wait_s`."""
        standing = self.standings[place].failed(now_s, wait_s)
        if place == self.serving and not standing.works(self.rules):
            standing = replace(standing, relapses=standing.relapses + 1)
        return self._with(place, standing, self.in_use)

    def rested(self, place: int, now_s: float, wait_s: float) -> "Choice":
        """It costs more than it may: out of use at once, through no fault of its own."""
        standing = replace(
            self.standings[place], failures=self.rules.leave_after, due_s=now_s + wait_s
        )
        return self._with(place, standing, self.in_use)

    def hurried(self, needed: tuple[int, ...] = ()) -> "Choice":
        """There may be new records: no reason for the carrier in use to wait, nor for those that
        are needed beside it, unless they are failing."""
        if self.serving is None:
            return self
        found = self
        for place in (self.serving, *needed):
            if not self.standings[place].failures:
                found = found._with(place, replace(self.standings[place], due_s=0.0), self.in_use)
        return found

    def _with(self, place: int, standing: Standing, in_use: int | None) -> "Choice":
        standings = (*self.standings[:place], standing, *self.standings[place + 1 :])
        return replace(self, standings=standings, in_use=in_use)
