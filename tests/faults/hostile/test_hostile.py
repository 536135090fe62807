"""A hundred thousand hostile requests: no mistake of the shore's own, no more memory, nobody in."""

import collections
import os
import threading
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from server.auth.roles import ROLES
from tests.faults.hostile.attacks import Attacks
from tests.faults.hostile.besieged import MUST_STAY, Place, besieged
from tests.faults.hostile.raw import Wire
from tests.faults.hostile.schema import Asked, each_alone, in_chains, of
from tests.faults.laboratory import progress, report, slice_or_whole

pytestmark = pytest.mark.faults
HANDS = 2
WARM = 0.3
"""Share of the requests after which memory is measured: caches and threads have grown by then."""
GROWTH_MB = 40.0
MANY = int(os.environ.get("SEADRIFT_HOSTILE", "86000"))


@dataclass
class Siege:
    """What came of it, by kind of attack and status."""

    answers: collections.Counter[tuple[str, int]] = field(default_factory=collections.Counter)
    mistakes: list[str] = field(default_factory=list)
    opened: list[str] = field(default_factory=list)

    @property
    def tried(self) -> int:
        return self.answers.total()


def attack(place: Place, siege: Siege, number: int, seed: int) -> None:
    """`number` attacks, one after the other."""
    attacks, wire = Attacks(place, seed), Wire(place.port)
    for count in range(number):
        one = attacks.next()
        try:
            status = wire.ask(one.request, last=one.last)
            attacks.answered(wire.answer)
        except TimeoutError:
            status = 599
            wire.close()
        siege.answers[one.kind, status] += 1
        if status >= 500:
            siege.mistakes.append(f"{status} {one.kind}: {one.request[:600]!r}")
            print(siege.mistakes[-1], flush=True)
        if one.opens and 200 <= status < 300:
            siege.opened.append(
                f"{status} {one.kind}: {one.request[:600]!r}: {wire.answer[:300]!r}"
            )
        if seed == 0:
            progress(count, number, f"siege, {len(siege.mistakes)} mistakes")
    wire.close()


def storm(place: Place, siege: Siege, number: int, wave: int) -> None:
    """`number` attacks by several hands at once."""
    hands = [
        threading.Thread(target=attack, args=(place, siege, number // HANDS, HANDS * wave + hand))
        for hand in range(HANDS)
    ]
    for hand in hands:
        hand.start()
    for hand in hands:
        hand.join()


@pytest.mark.parametrize(
    ("examples", "chained", "roles"),
    slice_or_whole((1, 10, ("", "manager")), (8, 500, ("", *ROLES))),
)
@pytest.mark.timeout(7200)
def test_whatever_the_api_describes_can_be_asked_wrongly(
    disk: Path, examples: int, chained: int, roles: tuple[str, ...]
) -> None:
    tried, mistakes, changed = 0, [], []
    with besieged(disk) as place:
        operator = {"Authorization": f"Bearer {place.tokens['administrator']}"}
        document = httpx.get(f"{place.shore.url}/api/openapi.json", headers=operator).json()
        schema = of(document, without=("/api/logout", "/api/logout/everywhere"))
        before = place.protected()
        for role in roles:
            asked = Asked(place.shore.url, place.tokens.get(role, ""))
            each_alone(schema, asked, examples)
            in_chains(schema, asked, chained)
            tried, mistakes = tried + asked.tried, [*mistakes, *asked.mistakes]
            kept = MUST_STAY[role]
            changed += [f"{role}: {n}" for n, now in place.protected().items()
                        if n in kept and now != before[n]]  # fmt: skip
        traces = place.traces()
    assert not traces, traces
    assert not mistakes, "\n".join(mistakes[:5])
    assert not changed, changed
    report(
        "hostile",
        "requests drawn from the OpenAPI document, alone and in chains, as every role",
        times=tried,
        lost=len(mistakes),
        duplicated=len(changed),
    )


@pytest.mark.parametrize("number", slice_or_whole(1500, MANY))
@pytest.mark.timeout(7200)
def test_hostile_requests_do_no_harm(disk: Path, number: int) -> None:
    siege = Siege()
    with besieged(disk, HANDS) as place:
        before = place.protected()
        storm(place, siege, int(WARM * number), 0)
        warm_mb = place.resident_mb()
        storm(place, siege, number - int(WARM * number), 1)
        grown_mb = place.resident_mb() - warm_mb
        changed = [name for name, now in place.protected().items() if now != before[name]]
        traces = place.traces()
        place.innocent.hello()  # and the shore works on
    print(f"memory: {warm_mb:.0f} MB warm, {grown_mb:+.0f} MB after; {siege.tried} answers")
    for (kind, status), times in sorted(siege.answers.items()):
        print(f"  {kind:<12} {status or 'hung up'}: {times}")
    assert not traces, traces
    assert not siege.mistakes, "\n".join(siege.mistakes[:5])
    assert not siege.opened, "\n".join(siege.opened[:5])
    assert not changed, changed
    if number > 10_000:
        assert grown_mb < GROWTH_MB
    report(
        "hostile",
        "malformed and forged requests: batches, hellos, keys, images, paths, cookies, raw bytes",
        times=siege.tried,
        lost=len(siege.mistakes),
        duplicated=len(siege.opened) + len(changed),
    )
