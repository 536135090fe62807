"""What the shore tells a device to do, in at most 270 bytes, so that a satellite can carry it too.

A command is numbered and signed by the shore's release key for one device, whatever brings it: a
gateway or a broker can lose one or bring it twice, and cannot make one. Numbers only rise; the
device takes each once (`edge.agent.orders`) and says in an `answer` record what became of it.

    byte 0     version (4 bits), kind 9 (4 bits); then the device's short id, as `wire.short`
    bytes 4-7  number
    ...        CBOR list: name of the command, its argument
    last 64    ed25519 over the context, the device's whole id, and all bytes before

Commands and their arguments:
    priorities  {kind of record: 1 to 5}; health and events stay 0
    policy      {setting: number}, one of POLICY
    thresholds  {"release": first 8 hex digits, "unknown": 0-1, "nodes": {index of taxon: 0-1}}
    vignettes   [[epoch, seq of the object], ...]: send their images before others
    assign      [deploy_seq, first 16 hex digits of a release that is on board]
    wipe        nothing: destroy the keys and send no more

Example:
    >>> blob = sign_command(key, "d1", Command(4, "vignettes", [[7, 120], [7, 133]]))
    >>> check_command(key.public, "d1", blob).number
    4
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cbor2

from wire.codec import CodecError, loads
from wire.short import DOWN_MAX, HEAD_BYTES, Kind, Message, peek, short_id
from wire.signing import PrivateKey, PublicKey, SignatureError

_CONTEXT = b"seadrift-command-1\n"
_SIGNATURE_BYTES = 64
_NUMBER_BYTES = 4
PRIORITIES = {"frame": (1, 5), "summary": (1, 5), "object": (2, 5), "vignette": (2, 5)}
"""Kinds whose priority may be set, and from where to where."""
POLICY = {
    "satellite.priority_max": (0, 5),
    "satellite.credits_day": (10, 10_000),
    "satellite.every_h": (0.1, 720),
}
"""Settings that a command may change, and from where to where."""


class CommandError(CodecError):
    """A command with an argument that makes no sense; the message says what was expected."""


@dataclass(frozen=True)
class Command:
    number: int
    name: str
    argument: Any = None


def sign_command(key: PrivateKey, device_id: str, command: Command) -> bytes:
    """The command as bytes for the link. Raises CommandError, also when it is too long."""
    check(command)
    number = command.number.to_bytes(_NUMBER_BYTES, "big")
    said = cbor2.dumps([command.name, command.argument], canonical=True)
    plain = Message(Kind.COMMAND, short_id(device_id), number + said)
    blob = plain.head + plain.body
    most = DOWN_MAX - _SIGNATURE_BYTES
    if len(blob) > most:
        raise CommandError(
            f"command {command.name}: {len(blob)} bytes, expected at most {most}: say less at once"
        )
    return blob + key.sign(_CONTEXT + device_id.encode() + b"\n" + blob)


def check_command(key: PublicKey, device_id: str, blob: bytes) -> Command:
    """The command, signed for this device. Raises SignatureError, CodecError or CommandError."""
    message = peek(blob)
    if message.kind != Kind.COMMAND or message.short != short_id(device_id):
        raise SignatureError(f"no command for device {device_id}")
    plain, signature = blob[:-_SIGNATURE_BYTES], blob[-_SIGNATURE_BYTES:]
    key.verify(signature, _CONTEXT + device_id.encode() + b"\n" + plain)
    body = plain[HEAD_BYTES:]
    said = loads(body[_NUMBER_BYTES:])
    if not (isinstance(said, list) and len(said) >= 2 and isinstance(said[0], str)):
        raise CommandError("command: expected a name and an argument")
    return Command(int.from_bytes(body[:_NUMBER_BYTES], "big"), said[0], said[1])


def check(command: Command) -> None:
    """Raises CommandError naming what was expected."""
    if not 1 <= command.number < 2 ** (8 * _NUMBER_BYTES):
        raise CommandError(f"command number {command.number}: expected 1 to {2**32 - 1}")
    checks = _CHECKS.get(command.name)
    if checks is None:
        raise CommandError(f"command {command.name}: expected one of {', '.join(_CHECKS)}")
    checks(command.argument)


def _ranged(known: dict[str, Any], whole: bool, what: str) -> Callable[[Any], None]:
    def check_map(argument: Any) -> None:
        if not isinstance(argument, dict) or not argument:
            raise CommandError(f"{what}: expected a map of {', '.join(known)}")
        for name, value in argument.items():
            if name not in known:
                raise CommandError(f"{what} {name}: expected one of {', '.join(known)}")
            low, high = known[name]
            _number(f"{what} {name}", value, low, high, whole)

    return check_map


def _thresholds(argument: Any) -> None:
    if not isinstance(argument, dict) or set(argument) - {"release", "unknown", "nodes"}:
        raise CommandError("thresholds: expected release, unknown, nodes")
    release, nodes = argument.get("release"), argument.get("nodes", {})
    _hex("thresholds.release", release, 8)
    if "unknown" in argument:
        _number("thresholds.unknown", argument["unknown"], 0, 1, False)
    if not isinstance(nodes, dict) or not ({"unknown", "nodes"} & set(argument)):
        raise CommandError("thresholds.nodes: expected a map of index to 0-1")
    for node, least in nodes.items():
        _number("thresholds.nodes", node, 0, 4095, True)
        _number(f"thresholds.nodes {node}", least, 0, 1, False)


def _vignettes(argument: Any) -> None:
    if not isinstance(argument, list) or not argument:
        raise CommandError("vignettes: expected a list of [epoch, seq]")
    for name in argument:
        if not isinstance(name, list | tuple) or len(name) != 2:
            raise CommandError("vignettes: expected a list of [epoch, seq]")
        _number("vignettes epoch", name[0], 0, 2**32 - 1, True)
        _number("vignettes seq", name[1], 1, 2**62, True)


def _assign(argument: Any) -> None:
    if not isinstance(argument, list | tuple) or len(argument) != 2:
        raise CommandError("assign: expected [deploy_seq, release]")
    _number("assign deploy_seq", argument[0], 1, 2**31 - 1, True)
    _hex("assign release", argument[1], 16)


def _nothing(argument: Any) -> None:
    if argument is not None:
        raise CommandError("wipe: expected no argument")


def _number(what: str, value: Any, low: float, high: float, whole: bool) -> None:
    kinds = int if whole else int | float
    if not isinstance(value, kinds) or isinstance(value, bool) or not low <= value <= high:
        raise CommandError(f"{what}: expected {low} to {high}, got {value!r:.40}")


def _hex(what: str, value: Any, digits: int) -> None:
    known = isinstance(value, str) and len(value) == digits
    if not known or any(c not in "0123456789abcdef" for c in value):
        raise CommandError(f"{what}: expected {digits} hex digits, got {value!r:.40}")


_CHECKS: dict[str, Callable[[Any], None]] = {
    "priorities": _ranged(PRIORITIES, True, "priorities"),
    "policy": _ranged(POLICY, False, "policy"),
    "thresholds": _thresholds,
    "vignettes": _vignettes,
    "assign": _assign,
    "wipe": _nothing,
}
