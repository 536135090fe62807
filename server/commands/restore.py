"""`seadrift restore`: a shore from a backup, into an empty place.

Example:
    $ seadrift restore --from /mnt/backup --data shore
"""

import argparse
from pathlib import Path

from server.commands.common import add_data, answer, doing, settings_of


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "restore",
        help="bring a backup back",
        description="Bring a backup back into a data folder (and a PostgreSQL database, a bucket) "
        "that is empty. Every byte is compared with the backup's hash of it. A restore that was "
        "cut short is run again and goes on; until then `seadrift serve` refuses the folder.",
        epilog="example: seadrift restore --from /mnt/backup --data shore",
    )
    parser.add_argument("--from", dest="source", type=Path, required=True, help="folder of backups")
    parser.add_argument("--backup", metavar="NAME", help="which of them (default: the newest)")
    add_data(parser)
    parser.set_defaults(run=doing("restore", run))


def run(args: argparse.Namespace) -> int:
    from server.backup.restore import restore

    settings = settings_of(args)
    said = (lambda _: None) if args.json else (lambda line: print(f"  {line}", flush=True))
    manifest = restore(args.source, args.backup, settings, said)
    text = f"{settings.data}: the shore of {manifest.made} is back"
    return answer(args, {"made": manifest.made, "missing": list(manifest.missing)}, text)
