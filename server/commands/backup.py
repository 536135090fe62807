"""`seadrift backup`: a copy of the whole shore, made while it runs.

Example:
    $ seadrift backup --data shore --out /mnt/backup
"""

import argparse
from dataclasses import asdict
from pathlib import Path

from server.commands.common import add_data, answer, doing, opened

INCOMPLETE = 1


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "backup",
        help="copy the whole shore, while it runs",
        description="Copy database, vignettes, keys and releases into a folder of backups. The "
        "shore goes on meanwhile. Vignettes that an earlier backup has are not copied again; what "
        "was cut short is no backup, and the next run goes on from there. Exit code 1: done, but "
        "the shore itself lacked vignettes. The folder then holds the shore's keys: guard it.",
        epilog="example: seadrift backup --data shore --out /mnt/backup",
    )
    parser.add_argument("--out", type=Path, required=True, help="folder of backups")
    add_data(parser)
    parser.set_defaults(run=doing("backup", run))


def run(args: argparse.Namespace) -> int:
    from server.backup.make import back_up

    with opened(args) as shore:
        said = (lambda _: None) if args.json else (lambda line: print(f"  {line}", flush=True))
        made = back_up(shore.settings, shore.packs, args.out, said)
    lines = [f"{made.folder}: {made.files} files, {made.vignette_bytes:,} bytes of vignettes"]
    lines += [f"  missing in the shore: {sentence}" for sentence in made.missing]
    done = answer(args, {**asdict(made), "folder": str(made.folder)}, "\n".join(lines))
    return INCOMPLETE if made.missing else done
