"""`seadrift export`: a project as a zip that EcoTaxa, and any shore, imports whole.

Example:
    $ seadrift export --data shore --project "Bay" --out bay.zip
    bay.zip: 812 objects, 812 images, 3 samples
"""

import argparse
import sys
from pathlib import Path

from server.commands.common import DONE, add_data, answer, doing, opened, project_id
from server.ecotaxa.backup import Written, write_backup


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "export",
        help="write a project as an EcoTaxa zip",
        description="Write a project as a zip that EcoTaxa imports whole: a folder and a table for "
        "each sample, with every image, prediction and validation.",
        epilog='example: seadrift export --data shore --project "Bay" --out bay.zip',
    )
    parser.add_argument("--project", required=True, help="title or number")
    parser.add_argument("--out", type=Path, required=True, help="the zip to write")
    add_data(parser)
    parser.set_defaults(run=doing("export", run))


def run(args: argparse.Namespace) -> int:
    with opened(args) as shore:
        project = project_id(shore, args.project)
        shown = sys.stderr.isatty()

        def progress(objects: int) -> None:
            if shown:
                print(f"\r{objects} objects", end="", file=sys.stderr, flush=True)

        written = write_backup(shore.database, shore.packs, project, args.out, progress)
        if shown:
            print(file=sys.stderr)
    data = {
        "file": str(args.out),
        "objects": written.objects,
        "images": written.images,
        "samples": written.samples,
        "mended": written.mended,
    }
    answer(args, data, _sentence(args.out, written))
    return DONE


def _sentence(path: Path, written: Written) -> str:
    head = f"{path}: {written.objects} objects, {written.images} images, {written.samples} samples"
    return "\n".join((head, *(f"  {n} times: {what}" for what, n in written.mended.items())))
