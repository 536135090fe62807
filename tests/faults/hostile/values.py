"""Values that programs stumble over, and ways to bend data that was good.

Example:
    >>> bent(random.Random(1), {"epoch": 7, "seq": 1})
    {'epoch': -1, 'seq': 1}
"""

import random
import string
from typing import Any

NUMBERS = [
    0, -1, 1, 2**31 - 1, 2**31, 2**32, 2**53, 2**63 - 1, 2**63, 2**64, -(2**63), -(2**64), 10**40,
    0.0, -0.0, 1e308, -1e308, 5e-324, float("nan"), float("inf"), float("-inf"),
]  # fmt: skip
TEXTS = [
    "", " ", "\0", "a\0b", "\r\n", "x" * 300, "x" * 70_000, "../../etc/passwd", "';DROP TABLE x",
    "<script>alert(1)</script>", "${jndi:ldap://x}", "{{7*7}}", "%00", "\ufeff", "\u202e", "\ud7ff",
    "\U0010ffff", "é" * 200, "null", "true", "-1", "1e999", "0x10", "None", "\x7f", "ﬀ", "İ", "٣",
]  # fmt: skip
ODD = [None, True, False, [], {}, [[]], b"", b"\0", b"\xff" * 40]
FLAT = [value for value in (*NUMBERS, *TEXTS, *ODD) if not isinstance(value, bytes)]


def hostile(chance: random.Random, depth: int = 0) -> Any:
    """Any plain value, now and then a container of them."""
    kind = chance.random()
    if kind < 0.35:
        return chance.choice(NUMBERS)
    if kind < 0.65:
        return chance.choice(TEXTS)
    if kind < 0.8 or depth > 3:
        return chance.choice(ODD)
    if kind < 0.9:
        return [hostile(chance, depth + 1) for _ in range(chance.randrange(4))]
    return {
        chance.choice(TEXTS[:12]): hostile(chance, depth + 1) for _ in range(chance.randrange(4))
    }


def bent(chance: random.Random, data: Any) -> Any:
    """The same with one thing in it changed, added, doubled or gone."""
    if isinstance(data, dict) and data and chance.random() < 0.9:
        return _bent_map(chance, data)
    if isinstance(data, list | tuple) and data and chance.random() < 0.8:
        place = chance.randrange(len(data))
        middle = [bent(chance, data[place])] * chance.choice([0, 1, 1, 2, 50])
        return [*data[:place], *middle, *data[place + 1 :]]
    if isinstance(data, bytes) and data and chance.random() < 0.7:
        return flipped(chance, data)
    if isinstance(data, int) and not isinstance(data, bool) and chance.random() < 0.4:
        return data + chance.choice([-1, 1, 2**16, -(2**16), 2**40])
    return hostile(chance)


def _bent_map(chance: random.Random, data: dict[str, Any]) -> dict[str, Any]:
    name, how = chance.choice(list(data)), chance.random()
    if how < 0.1:
        return {key: value for key, value in data.items() if key != name}
    if how < 0.2:
        return {**data, word(chance): hostile(chance)}
    return {**data, name: bent(chance, data[name]) if how < 0.6 else hostile(chance)}


def flipped(chance: random.Random, data: bytes) -> bytes:
    """Bytes changed, cut, repeated or moved."""
    if not data:
        return bytes([chance.randrange(256)])
    how, place = chance.random(), chance.randrange(len(data))
    if how < 0.5:
        out = bytearray(data)
        for _ in range(chance.choice([1, 1, 2, 8])):
            out[chance.randrange(len(out))] = chance.choice(
                [0, 255, 127, 128, chance.randrange(256)]
            )
        return bytes(out)
    if how < 0.7:
        return data[:place]
    if how < 0.8:
        return data[:place] + data[place:][:200] * chance.choice([2, 50])
    if how < 0.9:
        return data[place:] + data[:place]
    return data[:place] + chance.randbytes(chance.randrange(1, 40)) + data[place:]


def word(chance: random.Random) -> str:
    """A name that nobody expects."""
    return "".join(chance.choices(string.ascii_letters + "_-.$", k=chance.randrange(1, 12)))
