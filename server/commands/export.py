"""`seadrift export`: a project as a file for others; without more, a zip that EcoTaxa imports.

Example:
    $ seadrift export --data shore --project "Bay" --out bay.zip
    bay.zip: 812 objects, 812 images, 3 samples
    $ seadrift export --data shore --project "Bay" --kind general --set split=sample --out bay.zip
    bay.zip: 812 objects, 0 images
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from server.commands.common import (
    DONE,
    CommandError,
    add_data,
    answer,
    doing,
    opened,
    operator_id,
    person_here,
    project_id,
)
from server.exports.asked import AskedError
from server.exports.export import Export
from server.exports.kinds import KINDS
from server.exports.kinds import run as run_export

_EXAMPLES = """examples:
  seadrift export --data shore --project "Bay" --out bay.zip
  seadrift export --project Bay --kind general --set split=sample --set images=first --out bay.zip
  seadrift export --project Bay --kind summary --set by=sample --filter statusfilter=V \\
    --set formulae='{"total_water_volume": "sam.tot_vol"}' --out bay-summary.zip
docs/exports.md lists the parameters of each kind."""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "export",
        help="write a project as a file: EcoTaxa's zip, tables, Darwin Core, Parquet",
        description="Write a project as a file for others. The default kind is the zip that "
        "EcoTaxa imports whole: a folder and a table for each sample, with every image, prediction "
        "and validation.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--project", required=True, help="title or number")
    parser.add_argument("--kind", choices=sorted(KINDS), default="backup", help="(%(default)s)")
    parser.add_argument("--out", type=Path, required=True, help="the file to write")
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", type=_pair, dest="params",
        help="a parameter of the kind; a value that reads as JSON is taken as such",
    )  # fmt: skip
    parser.add_argument(
        "--filter", action="append", default=[], metavar="NAME=VALUE", type=_words, dest="filters",
        help="one of EcoTaxa's filters: statusfilter=V, taxo=12,13, samples=4",
    )  # fmt: skip
    add_data(parser)
    parser.set_defaults(run=doing("export", run))


def run(args: argparse.Namespace) -> int:
    params = {**dict(args.params), "kind": args.kind, "filters": dict(args.filters)}
    with opened(args) as shore:
        shown = sys.stderr.isatty()

        def progress(_percent: float, message: str) -> None:
            if shown:
                print(f"\r{message}", end="", file=sys.stderr, flush=True)

        export = Export(
            shore.database,
            shore.packs,
            project_id(shore, args.project),
            params,
            person_here(),
            operator_id(shore),
            args.out.parent,
            releases=shore.settings.releases,
            out=args.out.name,
            progress=progress,
        )
        try:
            result = run_export(export, args.kind)
        except AskedError as error:
            raise CommandError("\n  ".join(error.errors)) from error
        if shown:
            print(file=sys.stderr)
    return answer(args, {**result, "file": str(args.out)}, _sentence(args.out, result)) or DONE


def _pair(text: str) -> tuple[str, Any]:
    name, value = _words(text)
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def _words(text: str) -> tuple[str, str]:
    name, found, value = text.partition("=")
    if not found or not name:
        raise argparse.ArgumentTypeError(f"'{text}': expected NAME=VALUE")
    return name, value


def _sentence(path: Path, result: dict[str, Any]) -> str:
    counts = ", ".join(f"{n} {word}" for word, n in result.items() if isinstance(n, int))
    return "\n".join((f"{path}: {counts}", *(f"  {line}" for line in result.get("mended", ()))))
