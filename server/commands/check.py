"""`seadrift check`: whether an EcoTaxa zip or folder, or a Darwin Core archive, is in order.

Exit codes: 0 in order (warnings are shown), 1 errors, 3 nothing could be read.

Example:
    $ seadrift check ecotaxa_cast1.zip
    ecotaxa_cast1.zip: 812 objects in 1 table, 812 images; 0 errors, 0 warnings
"""

import argparse
import sys
from dataclasses import asdict
from pathlib import Path

from server.commands.common import DONE, NOTHING, answer
from server.ecotaxa.check import Checked, check_upload
from server.ecotaxa.problems import Problems
from server.ecotaxa.upload import UploadError
from server.exports.dwca.check import ArchiveError, check_archive, is_archive
from server.imports.sources import AUTO, KINDS, open_source

WRONG = 1


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "check",
        help="look through an EcoTaxa zip or folder, or a Darwin Core archive",
        description="Look through an EcoTaxa zip or folder, or a Darwin Core archive, and say all "
        "that is wrong with it, each with file, line, column, value and remedy. Nothing is "
        "written.",
        epilog="example: seadrift check ecotaxa_cast1.zip",
    )
    parser.add_argument("upload", type=Path, help="zip or folder with ecotaxa*.tsv and images")
    parser.add_argument(
        "--kind", choices=(AUTO, *KINDS), default=AUTO, help="its form (default: look at it)"
    )
    parser.add_argument("--no-images", action="store_true", help="do not open the images")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    if is_archive(args.upload):
        return _run_archive(args)
    problems = Problems()
    try:
        with open_source(args.upload, problems, args.kind) as source:
            found = check_upload(source.upload, problems, pictures=not args.no_images)
    except UploadError as error:
        print(f"seadrift check: {error}", file=sys.stderr)
        return NOTHING
    text = "\n".join((*problems.lines(), _sentence(args.upload, source.kind, found, problems)))
    answer(args, {"kind": source.kind, **_as_data(found, problems)}, text)
    return WRONG if problems.errors else DONE


def _run_archive(args: argparse.Namespace) -> int:
    """Look through a Darwin Core archive."""
    try:
        checked = check_archive(args.upload)
    except (ArchiveError, OSError) as error:
        print(f"seadrift check: {error}", file=sys.stderr)
        return NOTHING
    found = checked.findings
    rows = ", ".join(f"{n} rows in {name}" for name, n in checked.rows.items()) or "no rows"
    sentence = f"{args.upload}: {rows}; {found.errors} errors, {found.warnings} warnings"
    data = {
        "rows": checked.rows,
        "errors": found.errors,
        "warnings": found.warnings,
        "problems": checked.lines(),
    }
    answer(args, data, "\n".join((*checked.lines(), sentence)))
    return WRONG if found.errors else DONE


def _sentence(path: Path, kind: str, found: Checked, problems: Problems) -> str:
    tables = f"{found.tables} table{'' if found.tables == 1 else 's'}"
    return (
        f"{path}: {kind}, {found.objects} objects in {tables}, {found.images} images;"
        f" {problems.errors} errors, {problems.warnings} warnings"
    )


def _as_data(found: Checked, problems: Problems) -> dict[str, object]:
    return {
        "objects": found.objects,
        "images": found.images,
        "tables": found.tables,
        "statuses": found.statuses,
        "samples": sorted(found.samples - {""}),
        "categories": sorted(found.categories),
        "category_ids": sorted(found.category_ids),
        "people": [{"name": name, "email": email} for name, email in sorted(found.people)],
        "free_columns": found.free_columns,
        "errors": problems.errors,
        "warnings": problems.warnings,
        "problems": [asdict(problem) for problem in problems.shown],
    }
