"""`seadrift release list|sign|assign`: releases from the command line.

Example:
    $ seadrift release sign --data shore 3f9a...
    $ seadrift release assign --data shore 3f9a... --device d1 --device d2
"""

import argparse

from server.api.releases import listed
from server.clock import now_ms
from server.commands.common import (
    CommandError,
    add_data,
    answer,
    doing,
    note,
    opened,
    operator_id,
)
from server.db import releases
from server.fleet import registry
from server.shore import Shore


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "release",
        help="list, sign and assign releases",
        description="Releases: list them, sign one, tell instruments to run it.",
        epilog="example: seadrift release assign 3f9a --all",
    )
    words = parser.add_subparsers(dest="word", metavar="WORD", required=True)
    listing = words.add_parser("list", help="list releases")
    listing.set_defaults(run=doing("release list", show))
    signing = words.add_parser("sign", help="sign a release, so that it can be assigned")
    signing.set_defaults(run=doing("release sign", sign))
    assigning = words.add_parser("assign", help="tell devices to run a signed release")
    assigning.set_defaults(run=doing("release assign", assign))
    whom = assigning.add_mutually_exclusive_group(required=True)
    whom.add_argument("--device", action="append", help="device id; may be given again")
    whom.add_argument("--all", action="store_true", help="every active device")
    for one in (signing, assigning):
        one.add_argument("release", help="release id, or the beginning of one")
    for one in (listing, signing, assigning):
        add_data(one)


def show(args: argparse.Namespace) -> int:
    with opened(args) as shore, shore.database.read() as connection:
        rows = listed(connection)
    lines = [
        f"{r['release_id'][:12]}  {'signed' if r['signed'] else 'unsigned':<9} {r['name']}"
        for r in rows
    ]
    return answer(args, rows, "\n".join(lines))


def sign(args: argparse.Namespace) -> int:
    with opened(args) as shore:
        release = _whole_id(shore, args.release)
        registry.sign(shore.database, shore.release_key, release)
        with shore.database.write() as connection:
            note(connection, "release.sign", release)
    return answer(args, {"release_id": release, "signed": True}, f"signed {release}")


def assign(args: argparse.Namespace) -> int:
    with opened(args) as shore:
        release = _whole_id(shore, args.release)
        done = registry.assign(
            shore.database,
            shore.release_key,
            release,
            None if args.all else args.device,
            user_id=operator_id(shore),
            now_ms=now_ms(),
        )
        with shore.database.write() as connection:
            note(connection, "release.assign", release, ", ".join(f"{d} {n}" for d, n in done))
    rows = [{"device_id": device, "deploy_seq": deploy_seq} for device, deploy_seq in done]
    lines = [f"{device}: assignment {deploy_seq}" for device, deploy_seq in done]
    return answer(args, rows, "\n".join(lines) or "there is no active device")


def _whole_id(shore: Shore, start: str) -> str:
    """The one release whose id begins so. Raises CommandError."""
    with shore.database.read() as connection:
        found = [r.release_id for r in releases.held(connection) if r.release_id.startswith(start)]
    if len(found) != 1:
        raise CommandError(f"{len(found)} releases begin with '{start}': give more of the id")
    return found[0]
