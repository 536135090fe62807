"""Commands for devices: numbered, signed, handed over until they are answered.

Example:
    >>> number = add(connection, key, device, "wipe", None, user_id=1, now_ms=now)
    >>> waiting(connection, device.pk, now)
    [(1, b'...')]
"""

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from server.db.fleet import DeviceInfo
from server.db.tables import CommandRow, Device, Object, User
from wire.commands import Command, sign_command
from wire.records import Answer
from wire.signing import PrivateKey

HANDED_MAX = 20
"""Most commands in one hello."""


def add(
    connection: Connection,
    key: PrivateKey,
    device: DeviceInfo,
    name: str,
    argument: Any,
    *,
    user_id: int,
    now_ms: int,
) -> int:
    """Sign and keep a command; its number. Raises wire.commands.CommandError."""
    connection.execute(select(Device.id).where(Device.id == device.pk).with_for_update())
    query = select(func.coalesce(func.max(CommandRow.number), 0))
    number = int(connection.execute(query.where(CommandRow.device_id == device.pk)).scalar_one())
    command = Command(number + 1, name, argument)
    connection.execute(
        insert(CommandRow).values(
            device_id=device.pk,
            number=command.number,
            name=name,
            argument=json.dumps(argument),
            payload=sign_command(key, device.device_id, command),
            user_id=user_id,
            created_ms=now_ms,
            text="",
        )
    )
    return command.number


def waiting(connection: Connection, pk: int, only: str | None = None) -> list[tuple[int, bytes]]:
    """Number and bytes of what the device has not answered, oldest first; `only` those of a
    name."""
    query = (
        select(CommandRow.number, CommandRow.payload)
        .where(CommandRow.device_id == pk, CommandRow.answered_ms.is_(None))
        .order_by(CommandRow.number)
        .limit(HANDED_MAX)
    )
    if only is not None:
        query = query.where(CommandRow.name == only)
    return [(number, bytes(payload)) for number, payload in connection.execute(query)]


def handed(connection: Connection, pk: int, numbers: Sequence[int], now_ms: int) -> None:
    """They were given to a link."""
    if numbers:
        here = (CommandRow.device_id == pk) & CommandRow.number.in_(numbers)
        statement = update(CommandRow).where(here, CommandRow.sent_ms.is_(None))
        connection.execute(statement.values(sent_ms=now_ms))


def answered(connection: Connection, pk: int, answers: Sequence[Answer], now_ms: int) -> None:
    """Enter the device's answers; the first one to a command stands."""
    for answer in answers:
        here = (CommandRow.device_id == pk) & (CommandRow.number == answer.number)
        connection.execute(
            update(CommandRow)
            .where(here, CommandRow.answered_ms.is_(None))
            .values(answered_ms=now_ms, ok=answer.ok, text=answer.text[:1000])
        )


def latest(connection: Connection, pk: int, limit: int) -> list[dict[str, Any]]:
    """The newest first: {number, name, argument, state, text, user, created_ms, sent_ms,
    answered_ms}. `state`: queued, sent, done, failed."""
    query = (
        select(CommandRow, User.email)
        .join(User, User.id == CommandRow.user_id)
        .where(CommandRow.device_id == pk)
        .order_by(CommandRow.number.desc())
        .limit(limit)
    )
    return [_shown(row._mapping) for row in connection.execute(query)]


def _shown(row: Any) -> dict[str, Any]:
    if row["answered_ms"] is not None:
        state = "done" if row["ok"] else "failed"
    else:
        state = "queued" if row["sent_ms"] is None else "sent"
    plain = ("number", "name", "text", "created_ms", "sent_ms", "answered_ms")
    shown = {name: row[name] for name in plain}
    return {**shown, "argument": json.loads(row["argument"]), "state": state, "user": row["email"]}


def names_of(connection: Connection, pk: int, objids: Sequence[int]) -> list[list[int]]:
    """[epoch, seq] of those of the objects that the device sent."""
    query = select(Object.epoch, Object.seq).where(Object.objid.in_(objids), Object.device_id == pk)
    return [[epoch, seq] for epoch, seq in connection.execute(query.order_by(Object.objid))]
