"""A device's hello and what the shore has to say to it, whatever carried it.

The device says where its outbox stands and what it runs; the shore says what it holds, what time it
is, what to run, and what else it wants.

Example:
    >>> answer = greet(shore.stores, device, counter=5, body=body, now_ms=now)
"""

from dataclasses import dataclass

import cbor2
from sqlalchemy import Connection

from server.db import commands, fleet, ledger
from server.db.fleet import DeviceInfo
from server.intake.batch import ReplayedError, Stores
from wire.ack import Ack, encode_ack
from wire.checked import FieldError, read
from wire.codec import loads

_SACK_MOST = 5000


@dataclass(frozen=True)
class Hello:
    epoch: int
    next_seq: int
    software: str
    release: str | None
    deploy_seq: int


def greet(stores: Stores, device: DeviceInfo, counter: int, body: bytes, now_ms: int) -> bytes:
    """The answer as CBOR: ack, time_ms, assignment, commands.

    Raises CodecError, FieldError, or ReplayedError for a counter that has not risen."""
    said = read_hello(loads(body, text_keys=True))
    with stores.database.write() as connection:
        if not fleet.raise_counter(connection, device.pk, counter, now_ms, device.carrier):
            raise ReplayedError(f"counter {counter} was used before")
        ack = note(connection, device, said, now_ms)
        assignment = fleet.assignment_after(connection, device.pk, said.deploy_seq)
        orders = commands.waiting(connection, device.pk)
        commands.handed(connection, device.pk, [number for number, _ in orders], now_ms)
    answer = {
        "ack": encode_ack(ack),
        "time_ms": now_ms,
        "assignment": assignment,
        "commands": [payload for _, payload in orders],
    }
    return cbor2.dumps(answer)


def note(connection: Connection, device: DeviceInfo, said: Hello, now_ms: int) -> Ack:
    """Enter what the device says of itself; what the shore holds of its epoch."""
    fleet.see(connection, device.pk, epoch=said.epoch, software=said.software, release=said.release)
    state = ledger.see_epoch(connection, device.pk, said.epoch, said.next_seq, now_ms)
    sack = ledger.held_above(connection, device.pk, said.epoch, state.upto, _SACK_MOST)
    return Ack(said.epoch, state.upto, sack)


def read_hello(data: object) -> Hello:
    """Raises FieldError for what the tables cannot hold."""
    return _checked(read(Hello, data))


def _checked(said: Hello) -> Hello:
    """Raises FieldError for what the tables cannot hold."""
    for name, limit in (("epoch", 2**32), ("next_seq", 2**62), ("deploy_seq", 2**31)):
        if not 0 <= getattr(said, name) < limit:
            raise FieldError(f"Hello.{name}: expected 0 to {limit - 1}")
    for name, limit in (("software", 250), ("release", 64)):
        if len(getattr(said, name) or "") > limit:
            raise FieldError(f"Hello.{name}: expected at most {limit} characters")
    return said
