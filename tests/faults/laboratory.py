"""What the fault laboratory promises, and how a test of it reports.

A test injects one kind of fault as often as it says, counts what was lost and what is there twice,
and reports that; anything but zero and zero fails it. `make faults` collects the reports.

Example:
    >>> report("counted", "SIGKILL at the n-th write of a commit", times=212, lost=0, duplicated=0)
    counted: SIGKILL at the n-th write of a commit: 212 times, 0 lost, 0 duplicated
"""

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pytest

PROMISES = {
    "counted": "A frame that the instrument has counted is kept whole, and is never counted twice,"
    " at whatever instant its power goes.",
    "identity": "The instrument's key, enrolment, request numbers and releases survive a power cut"
    " at any instant; no request number is ever used twice.",
    "lying": "A card that lies about writing never stops the instrument: what can be read is kept,"
    " and what cannot is counted and said.",
    "full": "A full disk loses nothing that was accepted, and work goes on when there is room.",
    "card": "A card that vanishes or turns read-only is named and waited for; work goes on when it"
    " is back.",
    "acknowledged": "What the shore has acknowledged survives the shore's own power cut, with its"
    " vignettes.",
    "once": "The shore takes each record exactly once, and the instrument forgets it only then,"
    " whichever side is killed at whichever step.",
    "link": "A bad link makes records late, and loses or doubles none.",
    "servers": "Broker, database, shore and instruments may be killed in any order.",
    "clock": "A clock that jumps by years, or that there is none, loses and reorders nothing; dates"
    " that come later are filled in, and marked.",
    "month": "After a month without a link every record is on shore or counted as given up;"
    " summaries and health are never given up.",
    "hostile": "Whatever a stranger sends, the shore makes no mistake of its own, takes no more"
    " memory, and lets nobody in.",
    "many": "Two hundred instruments at once are taken exactly once each.",
}
"""What a user relies on, by the name under which tests report."""
BOOK = "SEADRIFT_FAULTS"
"""The environment variable that names the file of reports, one JSON map a line."""


@dataclass(frozen=True)
class Report:
    """`lost` and `duplicated` count records (or frames, requests: what the promise is about)."""

    promise: str
    injected: str
    times: int
    lost: int
    duplicated: int

    @property
    def good(self) -> bool:
        return self.times > 0 and self.lost == self.duplicated == 0

    def line(self) -> str:
        counts = f"{self.times:,} times, {self.lost} lost, {self.duplicated} duplicated"
        return f"{self.promise}: {self.injected}: {counts}"


def slice_or_whole(short: Any, whole: Any) -> list[Any]:
    """The parameters of a test that `make test` runs in short, and `make faults` whole alone."""
    return [
        pytest.param(*one, marks=mark) if isinstance(one, tuple) else pytest.param(one, marks=mark)
        for one, mark in ((short, pytest.mark.quick_faults), (whole, pytest.mark.slow_faults))
    ]


def report(promise: str, injected: str, *, times: int, lost: int, duplicated: int) -> None:
    """Say what became of a promise; AssertionError unless it held, and was put to the test."""
    if promise not in PROMISES:
        raise KeyError(f"promise: expected one of {', '.join(PROMISES)}, got '{promise}'")
    said = Report(promise, injected, times, lost, duplicated)
    print(said.line())
    if os.environ.get(BOOK):
        line = json.dumps(asdict(said)) + "\n"
        handle = os.open(os.environ[BOOK], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        os.write(handle, line.encode())  # one write: workers share the file
        os.close(handle)
    assert said.good, said.line()


def progress(done: int, of: int, what: str) -> None:
    """Now and then a line for the person who waits."""
    if done and done % max(1, of // 5) == 0:
        print(f"{what}: {done} of {of}", flush=True)


def collect(book: Path) -> list[Report]:
    """The reports in the order of the promises."""
    lines = book.read_text().splitlines() if book.exists() else []
    order = list(PROMISES)
    found = [Report(**json.loads(line)) for line in lines]
    return sorted(found, key=lambda r: (order.index(r.promise), r.injected))


def missing(reports: Iterable[Report]) -> list[str]:
    """Promises that nothing was reported of."""
    told = {report.promise for report in reports}
    return [name for name in PROMISES if name not in told]


def table(reports: Iterable[Report]) -> Iterator[str]:
    """The reports as the lines of a Markdown table."""
    yield "| promise | injected | times | lost | duplicated |"
    yield "|---|---|---:|---:|---:|"
    for one in reports:
        counts = f"{one.times:,} | {one.lost} | {one.duplicated}"
        yield f"| {PROMISES[one.promise]} | {one.injected} | {counts} |"
