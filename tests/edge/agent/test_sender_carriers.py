"""The sender with several carriers: which one it uses, what each may take, what a day may cost."""

import random
from collections.abc import Callable
from pathlib import Path

from edge import keys
from edge.agent.sender import Sender
from edge.carriers.budgets import Tariff
from edge.links import Carriage, LinkError, SentError
from edge.links.simulated import SimulatedShore
from edge.outbox import Draft, Outbox, Whole
from wire.ack import Ack
from wire.codec import BATCH_MAX, decode_batch
from wire.records import BadFrame, FrameSummary, Health, Vignette
from wire.signing import NextKey

Make = Callable[..., Sender]
DAY_S = 86400.0
BEST = Carriage("best", BATCH_MAX, enrols=True, fetches=True, overhead_bytes=1000)
NEXT = Carriage("next", BATCH_MAX)
FAR = Carriage("far", 400, priority_max=1, credit_bytes=50)


class Announcing(SimulatedShore):
    """As HTTPS does and a broker does not."""

    def announce_key(self, key: NextKey) -> None:
        self.fault("announce", "before")


class Gate:
    """A carrier to one shore that is open or shut; what it brought, by name."""

    def __init__(self) -> None:
        self.open = True
        self.sent: list[int] = []

    def __call__(self, request: str, moment: str) -> None:
        if not self.open:
            raise LinkError(f"{request}: shut")


def carriers(*carriages: Carriage) -> tuple[list[SimulatedShore], list[Gate]]:
    """Ways to one and the same shore."""
    gates = [Gate() for _ in carriages]
    shores = [
        SimulatedShore(fault=gate, carriage=carriage)
        for gate, carriage in zip(gates, carriages, strict=True)
    ]
    for shore in shores[1:]:
        shore.records, shore.hashes, shore.key = shores[0].records, shores[0].hashes, shores[0].key
    return shores, gates


def fill(outbox: Outbox, count: int) -> None:
    for index in range(count):
        outbox.commit([Draft(BadFrame(f"f{index}", index, "x" * 200))])


def health() -> Draft:
    return Draft(Health(1.0, 0, 0, 1.0, None))


def states(sender: Sender) -> list[str]:
    return [carrier.state for carrier in sender.carriers]


def until(sender: Sender, condition: Callable[[], bool]) -> None:
    for _ in range(500):
        if condition():
            return
        sender.round()
    raise AssertionError(f"{sender.carriers}")


def test_the_next_takes_over_and_the_better_one_comes_back(make: Make, outbox: Outbox) -> None:
    shores, (best, _) = carriers(BEST, NEXT)
    sender = make(*shores, hello_s=5.0)
    sender.round()
    assert states(sender) == ["in use", "not tried"]
    best.open = False
    fill(outbox, 3)
    until(sender, lambda: not outbox.pending().records)
    assert states(sender) == ["down", "in use"]
    assert "shut" in sender.carriers[0].error
    best.open = True
    until(sender, lambda: sender.state.carrier == "best")
    assert states(sender) == ["in use", "ready"]
    assert shores[0].repeats == 0


def test_carriers_that_fail_at_random_lose_and_repeat_nothing(make: Make, outbox: Outbox) -> None:
    """Requests and answers get lost on each of three, in the middle of everything."""
    chance = random.Random(4)

    def cut(request: str, moment: str) -> None:
        if chance.random() < 0.35:
            raise LinkError(f"{request} cut {moment}")

    shores, _ = carriers(BEST, NEXT, Carriage("last", BATCH_MAX))
    for shore in shores:
        shore.fault = cut
    sender = make(*shores, hello_s=1000.0)
    used = set()
    for turn in range(400):
        if turn < 60:
            fill(outbox, 3)
        sender.round()
        used.add(sender.state.carrier)
        waiting = outbox.next_batch(2**30)
        here = set() if waiting is None else {(waiting.epoch, seq) for seq in waiting.seqs}
        assert here | set(shores[0].records) == {
            (outbox.epoch, seq) for seq in range(1, outbox.next_seq)
        }
    assert outbox.pending().records == 0
    assert len(used - {""}) > 1
    assert sum(shore.repeats for shore in shores) == 0


def test_one_that_cannot_enrol_waits_for_one_that_can(make: Make, outbox: Outbox) -> None:
    shores, (_, enrolling) = carriers(NEXT, BEST)
    enrolling.open = False
    fill(outbox, 1)
    sender = make(*shores, hello_s=5.0)
    for _ in range(5):
        sender.round()
    assert "cannot do that" in sender.carriers[0].error
    enrolling.open = True
    until(sender, lambda: not outbox.pending().records)
    until(sender, lambda: sender.state.carrier == "next")


def test_each_carrier_takes_what_it_may(make: Make, outbox: Outbox) -> None:
    shores, (best, _) = carriers(BEST, FAR)
    sender = make(*shores, hello_s=5.0)
    sender.round()
    best.open = False
    outbox.commit([health(), Draft(Vignette(1, 0, "png", 3, 3, b"x" * 300))])
    outbox.commit([Draft(BadFrame("too large for it", 1, "x" * 900))])
    until(sender, lambda: sender.state.carrier == "far" and outbox.pending().records == 2)
    assert set(outbox.pending().by_kind) == {"vignette", "badframe"}
    best.open = True
    until(sender, lambda: not outbox.pending().records)


class Slow(SimulatedShore):
    """Takes records; its acknowledgement comes by another way, or never."""

    sent = 0

    def send(self, batch: bytes) -> Ack:
        super().send(batch)
        self.sent += len(decode_batch(batch))
        raise SentError("sent; not acknowledged")


def test_what_was_sent_one_way_is_acknowledged_the_other(make: Make, outbox: Outbox) -> None:
    [fast], [gate] = carriers(BEST)
    slow = Slow(carriage=FAR)
    slow.records, slow.hashes = fast.records, fast.hashes
    sender = make(fast, slow, hello_s=5.0)
    sender.round()
    gate.open = False
    outbox.commit([health(), health(), health()])
    until(sender, lambda: slow.sent >= 3)
    assert outbox.pending().records == 3
    assert sender.state.state == "up"
    assert "down" in states(sender)[0]
    gate.open = True
    until(sender, lambda: not outbox.pending().records)
    assert fast.repeats <= slow.sent  # not sent again by the fast one: the hello said it all


def test_over_a_month_no_day_costs_more_than_it_may_and_health_never_waits(
    make: Make, outbox: Outbox
) -> None:
    """1 MB a day; vignettes of twice as much, and a health record every other hour, for 30 days."""
    day_bytes, sent, hour = 1_000_000.0, [], 0
    [shore], _ = carriers(BEST)
    sender = make(shore, hello_s=3600.0, tariffs={"best": Tariff(bytes_day=day_bytes)})

    def count(request: str, moment: str) -> None:
        if moment == "before":
            sent.append((sender.desk_s(), BEST.overhead_bytes + 400 * (request != "send")))

    send = shore.send

    def counted(batch: bytes) -> Ack:
        sent.append((sender.desk_s(), len(batch)))
        return send(batch)

    shore.fault, shore.send = count, counted  # type: ignore[method-assign]  # the bytes are what is tested
    noise = random.Random(1)
    while hour < 30 * 24:
        if outbox.pending().records < 40:
            vignette = Vignette(1, 0, "png", 9, 9, noise.randbytes(80_000))
            outbox.commit([Draft(vignette)] * 20)
        outbox.commit([health()])
        sender.round()
        assert "health" not in outbox.pending().by_kind
        hour += 2
        sender.pass_s(7200.0)
    starts = [at for at, _ in sent]
    worst = max(sum(n for t, n in sent if at <= t < at + DAY_S) for at in starts[::7])
    assert worst <= day_bytes
    assert worst >= 0.75 * day_bytes  # and what may be used is used
    assert sender.carriers[0].held == "best bytes"


def test_what_a_budget_holds_back_the_next_carrier_takes(make: Make, outbox: Outbox) -> None:
    shores, _ = carriers(BEST, NEXT)
    sender = make(*shores, hello_s=5.0, tariffs={"best": Tariff(bytes_day=500_000.0)})
    outbox.commit([Draft(Vignette(1, 0, "png", 9, 9, random.randbytes(90_000))) for _ in range(9)])
    until(sender, lambda: not outbox.pending().records)
    assert [carrier.held for carrier in sender.carriers] == ["best bytes", ""]
    assert sender.state.state == "up"


def test_a_next_carrier_that_is_down_is_no_news_while_the_best_works(
    make: Make, outbox: Outbox
) -> None:
    shores, (_, other) = carriers(BEST, NEXT)
    other.open = False
    sender = make(*shores, hello_s=5.0, tariffs={"best": Tariff(bytes_day=500_000.0)})
    outbox.commit([Draft(Vignette(1, 0, "png", 9, 9, random.randbytes(90_000))) for _ in range(9)])
    for _ in range(9):
        sender.round()
    assert [carrier.state for carrier in sender.carriers] == ["in use", "down"]
    assert (sender.state.state, sender.state.held) == ("up", "best bytes")
    other.open = True
    until(sender, lambda: not outbox.pending().records)


def test_a_carrier_whose_budget_is_gone_rests_and_comes_back(make: Make, outbox: Outbox) -> None:
    shores, _ = carriers(BEST)
    sender = make(*shores, hello_s=60.0, tariffs={"best": Tariff(bytes_day=500_000.0)})
    for _ in range(600):  # a hello a minute costs 1400 bytes
        sender.round()
        if sender.state.state == "down":
            break
    assert "the budget of best bytes for 24 hours is used up" in sender.state.error
    sender.pass_s(DAY_S + 900)
    fill(outbox, 1)
    until(sender, lambda: not outbox.pending().records)


def test_frames_wait_where_no_carrier_takes_them(make: Make, outbox: Outbox) -> None:
    shores, _ = carriers(NEXT)
    whole = Whole("frame", b"x" * 100, name="f.png")
    summary = FrameSummary("f", 1, "s", "a", "p", 4, 3, 0, 0, 0, 1.0, {"total": 1.0})
    outbox.commit([Draft(summary, whole=whole)])
    shores[0].carriage = BEST
    sender = make(*shores, hello_s=5.0)
    until(sender, lambda: not outbox.pending().records)
    assert outbox.blobs.count == 1
    assert sender.idle


def test_a_new_key_is_announced_beside_the_carrier_that_cannot(
    make: Make, outbox: Outbox, tmp_path: Path
) -> None:
    """One between them that cannot either, and is paid by the message, is left in peace."""
    (shore, far), (_, paid) = carriers(BEST, FAR)
    gate = Gate()
    sender = make(shore, far, Announcing(fault=gate, carriage=NEXT, key=shore.key), hello_s=5.0)
    sender.round()
    assert states(sender) == ["in use", "not tried", "not tried"]
    keys.prepare_next(tmp_path / "identity")
    new = keys.read_key(tmp_path / "identity" / keys.NEXT).public
    gate.open = paid.open = False
    until(sender, lambda: states(sender) == ["in use", "not tried", "down"])
    gate.open = True
    until(sender, lambda: not keys.next_key(tmp_path / "identity"))
    assert keys.read_key(tmp_path / "identity" / keys.KEY).public == new
    assert states(sender) == ["in use", "not tried", "ready"]
    assert (sender.state.state, sender.state.carrier) == ("up", "best")
