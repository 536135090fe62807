"""`seadrift quarantine`: look at what was set aside, repair it, take it in, or discard it.

Example:
    $ seadrift quarantine list --code schema
    $ seadrift quarantine show 3
    $ seadrift quarantine repair 3 --drop body.salinity_psu
    $ seadrift quarantine replay 3
"""

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

from server.api.quarantine import AT_ONCE, outcome, shown
from server.clock import now_ms
from server.commands.common import (
    DONE,
    NOTHING,
    CommandError,
    add_data,
    answer,
    doing,
    opened,
    person_here,
)
from server.db import quarantine
from server.db.quarantine import CODES, OPEN, STATES, Wanted
from server.errors import ApiError
from server.quarantine import acts
from server.quarantine.actor import Actor
from server.quarantine.acts import Done, SettledError
from server.quarantine.repair import RepairError
from server.quarantine.replay import NoEntryError, replay
from server.shore import Shore

Words: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def add_parser(subparsers: Words) -> None:
    parser = subparsers.add_parser(
        "quarantine",
        help="what was set aside: look, repair, replay, discard",
        description="Records that could not be used are kept with the reason. Nothing leaves the "
        "quarantine without a trace, and no bytes are ever deleted.",
        epilog="example: seadrift quarantine list --code schema --json",
    )
    words = parser.add_subparsers(dest="word", metavar="WORD", required=True)
    _add_list(words)
    show = _add(words, "show", "one entry, decoded as far as possible", show_entry)
    show.add_argument("id", type=int)
    show.add_argument("--text", action="store_true", help="only the JSON that `repair` takes")
    repair = _add(words, "repair", "put a record right; check it as intake does", repair_entry)
    repair.add_argument("id", type=int)
    repair.add_argument("--text", type=Path, help="file with the edited JSON that `show` printed")
    repair.add_argument("--drop", action="append", default=[], metavar="FIELD", help="body.FIELD")
    again = _add(words, "replay", "take entries in after all", replay_entries)
    _add_choice(again)
    again.add_argument("--original", action="store_true", help="the bytes as they came")
    discard = _add(words, "discard", "decide that entries are not wanted", discard_entries)
    _add_choice(discard)
    discard.add_argument("--reason", required=True)


def _add(words: Words, name: str, help_: str, work: Any) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = words.add_parser(name, help=help_, description=help_)
    add_data(parser)
    parser.set_defaults(run=doing(f"quarantine {name}", work))
    return parser


def _add_list(words: Words) -> None:
    parser = _add(words, "list", "entries, newest first", list_entries)
    _add_filter(parser)
    parser.add_argument("--limit", type=int, default=100)


def _add_filter(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--device", help="a device's id")
    parser.add_argument("--code", choices=CODES)
    states = ("open", *STATES, "all")
    parser.add_argument("--state", choices=states, default="open", help="%(default)s")


def _add_choice(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", type=int, nargs="*", help="entries; none: those that fit the filter")
    _add_filter(parser)


def _wanted(args: argparse.Namespace) -> Wanted:
    states = {"open": OPEN, "all": STATES}.get(args.state, (args.state,))
    return Wanted(args.device, args.code, states)


def list_entries(args: argparse.Namespace) -> int:
    with opened(args) as shore, shore.database.read() as connection:
        rows = quarantine.listing(connection, _wanted(args), args.limit)
        others = quarantine.counts(connection, Wanted(args.device, args.code))
    return answer(args, rows, "\n".join(map(_line, rows)) or _none(args.state, others))


def _none(state: str, others: Sequence[dict[str, Any]]) -> str:
    """What an empty list says: that nothing ever came, or what there is in other states."""
    found: Counter[str] = Counter()
    for row in others:
        found[row["state"]] += row["n"]
    if not found:
        return "nothing was set aside"
    there = ", ".join(f"{n} {name}" for name, n in sorted(found.items()))
    return f"nothing is {state}; there are {there} (--state all)"


def _line(row: dict[str, Any]) -> str:
    return (
        f"{row['id']:>6}  {row['device_id']}  {row['code']:<13} {row['state']:<9} {row['detail']}"
    )


def show_entry(args: argparse.Namespace) -> int:
    with opened(args) as shore:
        try:
            entry = shown(shore, args.id)
        except ApiError as error:
            raise CommandError(error.message) from error
    if args.text:
        seen = entry["repaired"] or entry["original"]
        if seen["text"] is None:
            raise CommandError(f"entry {args.id} is no record that can be edited")
        print(seen["text"])
        return DONE
    return answer(args, entry, "\n".join(_told(entry)))


def _told(entry: dict[str, Any]) -> list[str]:
    seen = entry["repaired"] or entry["original"]
    key = f"record {entry['seq']} of epoch {entry['epoch']}" if entry["seq"] else "no key"
    lines = [
        f"entry {entry['id']}: {entry['code']}, {entry['state']}, {key} of {entry['device_id']}",
        f"came with: {entry['detail']}",
        f"today: {seen['problem'] or 'it would be taken'}",
    ]
    for line in seen["lines"]:
        mark = "  <-- here" if line["wrong"] else ""
        indent = "  " * len(line["path"])
        name = line["path"][-1] if line["path"] else "record"
        lines.append(f"{line['at']:>7}{indent} {name}: {line['kind']} {line['text']}{mark}")
    lines += [
        f"{row['seq']}: {row['kind']}, {row['problem'] or 'good'}" for row in seen["records"] or ()
    ]
    lines += [seen["stopped"]] if seen["stopped"] else []
    lines += [seen["text"]] if seen["text"] else [seen["hex"]]
    return lines + [
        f"{event['kind']} by {event['who']}: {event['detail']}" for event in entry["events"]
    ]


def repair_entry(args: argparse.Namespace) -> int:
    text = None if args.text is None else args.text.read_text(encoding="utf-8")
    with opened(args) as shore:
        try:
            acts.repair(shore.database, args.id, _actor(), text, args.drop, now_ms())
        except NoEntryError as error:
            raise CommandError(f"there is no entry {args.id}") from error
        except (RepairError, SettledError) as error:
            raise CommandError(f"not repaired: {error}") from error
    return answer(
        args, {"id": args.id, "state": "repaired"}, f"repaired entry {args.id}; replay it"
    )


def replay_entries(args: argparse.Namespace) -> int:
    now = now_ms()
    with opened(args) as shore:
        done = acts.many(
            lambda entry: replay(shore.stores, entry, _actor(), original=args.original, now_ms=now),
            _chosen(shore, args),
        )
    return _ended(args, done, "taken in")


def discard_entries(args: argparse.Namespace) -> int:
    now = now_ms()
    with opened(args) as shore:
        done = acts.many(
            lambda entry: acts.discard(shore.database, entry, _actor(), args.reason, now),
            _chosen(shore, args),
        )
    return _ended(args, done, "discarded")


def _chosen(shore: Shore, args: argparse.Namespace) -> Sequence[int]:
    """Entries by number, or by a filter that says something."""
    if args.id:
        return [int(entry) for entry in args.id]
    if args.device is None and args.code is None:
        raise CommandError("say which: entries by number, or --device or --code")
    with shore.database.read() as connection:
        return quarantine.ids(connection, _wanted(args), AT_ONCE)


def _ended(args: argparse.Namespace, done: Done, word: str) -> int:
    for entry, why in done.refused:
        print(f"seadrift quarantine: entry {entry}: {why}", file=sys.stderr)
    answer(args, outcome(done), f"{word}: {done.done}; refused: {len(done.refused)}")
    return NOTHING if done.refused else 0


def _actor() -> Actor:
    return Actor(person_here(), "local")
