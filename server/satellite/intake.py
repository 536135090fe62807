"""From the raw inbox to the tables: whose message it is, what it says, what goes back.

A message, its effect and the answer that it is owed are one transaction. Repeats and any order do
no harm: records go through the same ledger as over any other link. What cannot be read or is not
authenticated stays in the inbox, refused, with the reason.

Example:
    >>> read_new(shore, now_ms())
    3
"""

import logging

from sqlalchemy import Connection
from sqlalchemy.exc import DataError, IntegrityError

from server.clock import now_ms as clock_ms
from server.db import commands, fleet, ledger, quarantine, satellite
from server.db.fleet import DeviceInfo
from server.db.quarantine import SetAside
from server.intake.batch import take_items
from server.intake.greeting import note, read_hello
from server.intake.items import read_items
from server.satellite.keys import LinkKeys
from server.shore import Shore
from wire.ack import Ack
from wire.codec import CodecError, decode_batch, record_hash
from wire.short import DOWN_MAX, ForgedError, Kind, Message, opened, peek, seal, short_id
from wire.shorthand import join, pack_ack, read_greeting, read_part, unpack_record

LOG = logging.getLogger("seadrift.satellite")

COMMAND_AGAIN_MS = 6 * 3_600_000
"""An unanswered command goes down again after so long."""
SACK_MOST = 200


def read_new(shore: Shore, now_ms: int | None = None) -> int:
    """Take every message that nobody has taken; how many. Raises DBAPIError, OSError."""
    taken, before = 0, -1
    while taken > before:
        before = taken
        with shore.database.read() as connection:
            numbers = satellite.unread(connection)
        for number in numbers:
            taken += _read(shore, number, clock_ms() if now_ms is None else now_ms)
    return taken


def _read(shore: Shore, number: int, now_ms: int) -> bool:
    with shore.database.write() as connection:
        found = satellite.claim(connection, number)
        if found is None:
            return False
        imei, data = found
        try:
            with connection.begin_nested():
                device, message = _whose(connection, shore.link_keys, imei, data)
                _take(connection, shore, device, message, imei, data, now_ms)
            satellite.settle(connection, number, "taken", "", device.pk, int(message.kind))
        except (ValueError, TypeError, RecursionError, IntegrityError, DataError) as error:
            LOG.info("satellite message %d refused: %s", number, error)
            satellite.settle(connection, number, "refused", str(error))
    return True


def _whose(
    connection: Connection, keys: LinkKeys, imei: str, data: bytes
) -> tuple[DeviceInfo, Message]:
    """Raises CodecError or ForgedError."""
    said = peek(data)
    if said.kind >= Kind.ACK:
        raise CodecError(f"kind {said.kind} goes down, not up")
    for device_id in satellite.device_ids(connection, imei):
        if short_id(device_id) == said.short:
            try:
                message = opened(keys.of(device_id), data)
            except ForgedError:
                continue  # another device with this short id, perhaps
            device = fleet.device(connection, device_id)
            if device is not None:
                return device, message
    raise ForgedError("not authenticated by the link key of any device")


def _take(
    connection: Connection,
    shore: Shore,
    device: DeviceInfo,
    message: Message,
    imei: str,
    data: bytes,
    now_ms: int,
) -> None:
    if device.status != "active":
        aside = SetAside(None, None, "revoked", "from a revoked device", record_hash(data), data)
        quarantine.keep(connection, device.pk, [aside], now_ms)
        return
    satellite.hear(connection, device.pk, imei, now_ms)
    ack = _said(connection, shore, device, message, now_ms)
    if ack is None:
        return
    body = pack_ack(ack)
    blob = seal(
        shore.link_keys.of(device.device_id),
        Message(Kind.ACK, short_id(device.device_id), body),
        DOWN_MAX,
    )
    satellite.queue(connection, device.pk, "ack", ack.epoch, blob, now_ms)
    queue_commands(connection, device.pk, now_ms)


def queue_commands(connection: Connection, pk: int, now_ms: int) -> None:
    """Send down what the device has not answered: it is heard by satellite."""
    lately = satellite.sent_lately(connection, pk, "command", now_ms - COMMAND_AGAIN_MS)
    for number, payload in commands.waiting(connection, pk):
        if number not in lately:
            satellite.queue(connection, pk, "command", number, payload, now_ms)
            commands.handed(connection, pk, [number], now_ms)


def _said(
    connection: Connection, shore: Shore, device: DeviceInfo, message: Message, now_ms: int
) -> Ack | None:
    """Take what the message says; the acknowledgement that it is owed, if one."""
    if message.kind == Kind.HELLO:
        greeting = read_greeting(message.body)
        said = read_hello(greeting.said)
        if satellite.raise_greeting(connection, device.pk, greeting.number):
            return note(connection, device, said, now_ms)
        return _held(connection, device, Ack(said.epoch, 0), now_ms)
    if message.kind == Kind.SUMMARY:
        blobs = [unpack_record(message.body)]
    else:
        parts = satellite.add_part(connection, device.pk, read_part(message.body), now_ms)
        if parts is None:
            return None
        blobs = decode_batch(join(parts))
    ack = take_items(connection, shore.packs, device, read_items(blobs), now_ms)
    return _held(connection, device, ack, now_ms)


def _held(connection: Connection, device: DeviceInfo, ack: Ack, now_ms: int) -> Ack:
    """The acknowledgement with all that is held of the epoch: an earlier one may be lost."""
    state = ledger.see_epoch(connection, device.pk, ack.epoch, 0, now_ms)
    sack = ledger.held_above(connection, device.pk, ack.epoch, state.upto, SACK_MOST)
    return Ack(ack.epoch, state.upto, sack, ack.rej)
