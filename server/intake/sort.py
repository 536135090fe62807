"""Which records of a batch are new, which are repeats, which are refused. Pure.

Rules: the first bytes under a key stay for ever. The same bytes again are a repeat: acknowledged,
no effect. Other bytes under the same key are a cloned or restored card: set aside as hash_conflict,
refused.

Example:
    >>> sort_items(items, known={})
    Sorted(fresh=[...], repeated=[], refused=[], nameless=[])
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from server.db.ledger import HELD
from server.intake.check import RefusedError
from server.intake.items import Item


@dataclass
class Sorted:
    """`refused` are to be named in the answer and set aside; `nameless` only set aside;
    `rejected_again` are repeats of a record that was refused before: (item, code)."""

    fresh: list[Item] = field(default_factory=list)
    repeated: list[Item] = field(default_factory=list)
    rejected_again: list[tuple[Item, str]] = field(default_factory=list)
    refused: list[tuple[Item, RefusedError]] = field(default_factory=list)
    nameless: list[tuple[Item, RefusedError]] = field(default_factory=list)


def sort_items(items: Sequence[Item], known: Mapping[int, tuple[bytes, str]]) -> Sorted:
    """Sort the items of one epoch (and nameless ones) by what the ledger knows: seq -> (hash,
    outcome)."""
    out = Sorted()
    seen = dict(known)
    for item in items:
        if item.key is None:
            out.nameless.append((item, item.refused or RefusedError("schema", "no key")))
            continue
        seq = item.key[1]
        earlier = seen.get(seq)
        if earlier is None:
            if item.refused is None:
                out.fresh.append(item)
            else:
                out.refused.append((item, item.refused))
            seen[seq] = (item.hash, item.refused.code if item.refused else HELD)
        elif earlier[0] != item.hash:
            detail = f"record {item.key}: other bytes came under this key before"
            out.refused.append((item, RefusedError("hash_conflict", detail)))
        elif earlier[1] == HELD:
            out.repeated.append(item)
        else:
            out.rejected_again.append((item, earlier[1]))
    return out
