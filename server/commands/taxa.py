"""`seadrift taxa import|search|export|merge`: the tree of taxa from the command line.

Example:
    $ seadrift taxa import --data shore taxoexport.tsv
    taxoexport.tsv: EcoTaxa, 10214 entries; 10150 added, 12 changed, 43 synonyms; version 10388
    $ seadrift taxa search --data shore "egg<cop"
"""

import argparse
import json
import sys
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection

from server.clock import now_ms
from server.commands.common import (
    DONE,
    NOTHING,
    CommandError,
    add_data,
    answer,
    doing,
    note,
    opened,
    operator_id,
    person_here,
    project_id,
)
from server.db import taxa, taxa_log, taxa_merge, taxa_search
from server.db.taxa_log import By
from server.shore import Shore
from server.taxonomy.exporting import as_json, table
from server.taxonomy.importing import Outcome, import_checklist, read_bounded, told
from server.taxonomy.plan import Options

MORE = 5


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "taxa",
        help="import, search, export and merge taxa",
        description="The tree of taxa.",
        epilog="example: seadrift taxa import --data shore taxoexport.tsv",
    )
    words = parser.add_subparsers(dest="word", metavar="WORD", required=True)
    importing = words.add_parser(
        "import",
        help="take a checklist in",
        description="Take in a Darwin Core checklist (zip or table), EcoTaxa's tree (its table, or "
        "its API's JSON) or the names that WoRMS matched (table or workbook). All problems come at "
        "once; with an error nothing is written. The same file again changes nothing.",
        epilog='example: seadrift taxa import --data shore worms.zip --under "Animalia"',
    )
    importing.add_argument("file", type=Path)
    importing.add_argument("--check", action="store_true", help="say what is wrong, write nothing")
    importing.add_argument("--under", help="taxon below which roots are put (name or number)")
    importing.add_argument(
        "--merge", action="store_true", help="merge taxa that the file calls synonyms of others"
    )
    importing.set_defaults(run=doing("taxa import", import_file))
    _add_others(words)
    add_data(importing)


def _add_others(words: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    searching = words.add_parser(
        "search", help="find taxa", epilog='example: seadrift taxa search "egg<cop" --project Bay'
    )
    searching.add_argument("text", help='words of a name, or "egg<cop"')
    searching.add_argument("--project", help="title or number: its own list and uses come first")
    searching.add_argument("--limit", type=int, default=20, help="(%(default)s)")
    searching.set_defaults(run=doing("taxa search", search))
    exporting = words.add_parser(
        "export",
        help="write the tree",
        description="The tree as a Darwin Core table, or as JSON; at an earlier version or moment "
        "as it was then.",
        epilog="example: seadrift taxa export --out taxon.txt --version 1200",
    )
    exporting.add_argument("--out", type=Path, help="the file to write (default: print)")
    when = exporting.add_mutually_exclusive_group()
    when.add_argument("--version", type=int, help="the tree at this version")
    when.add_argument("--at", help="the tree at this moment, as 2026-05-01T12:00")
    exporting.set_defaults(run=doing("taxa export", export))
    merging = words.add_parser(
        "merge",
        help="make one taxon part of another",
        epilog='example: seadrift taxa merge "Larvacea" "Appendicularia"',
    )
    merging.add_argument("taxon", help="name or number of the one that goes")
    merging.add_argument("into", help="name or number of the one that stays")
    merging.set_defaults(run=doing("taxa merge", merge))
    for one in (searching, exporting, merging):
        add_data(one)


def import_file(args: argparse.Namespace) -> int:
    data = read_bounded(args.file)
    with opened(args) as shore:
        under = None if args.under is None else _taxon(shore, args.under)
        outcome = import_checklist(
            shore.database,
            args.file.name,
            data,
            By(operator_id(shore), person_here()),
            now_ms(),
            Options(under, args.merge),
            dry=args.check,
        )
        if outcome.written is not None:
            with shore.database.write() as connection:
                note(connection, "taxa", args.file.name, "imported")
    for line in outcome.problems.lines() if not args.json else ():
        print(line, file=sys.stderr)
    answer(args, told(outcome), _sentence(args.file.name, outcome))
    return NOTHING if outcome.problems.errors else DONE


def _sentence(file: str, outcome: Outcome) -> str:
    problems, done = outcome.problems, outcome.written
    if problems.errors:
        return f"{file}: {problems.errors} errors, nothing was written"
    head = f"{file}: {outcome.format}, {outcome.entries} entries"
    if done is None:
        return f"{head}; no error, {problems.warnings} warnings; nothing was written"
    changed = done.renamed + done.moved + done.edited
    merged = f", {done.merged} merged" if done.merged else ""
    return (
        f"{head}; {done.added} added, {changed} changed, {done.synonyms} synonyms{merged}; "
        f"version {outcome.version}"
    )


def search(args: argparse.Namespace) -> int:
    with opened(args) as shore:
        project = None if args.project is None else project_id(shore, args.project)
        with shore.database.read() as connection:
            limit = max(1, min(args.limit, 1000))
            found = taxa_search.search(connection, args.text, project, limit)
    rows = [
        {
            **asdict(one.info),
            "uses": one.uses,
            "synonym": one.synonym,
            "listed": one.place is not None,
            "kind": one.kind,
            "status": one.status,
            "aphia_id": one.aphia_id,
        }
        for one in found
    ]
    lines = [
        f"{row['taxon_id']:>8}  {row['display_name']}"
        + (f"  (synonym: {row['synonym']})" if row["synonym"] else "")
        + f"  {row['path']}"
        for row in rows
    ]
    return answer(args, rows, "\n".join(lines) or f"no taxon fits '{args.text}'")


def export(args: argparse.Namespace) -> int:
    with opened(args) as shore, shore.database.read() as connection:
        version = _version(connection, args)
        tree = taxa_log.tree_at(connection, version)
    text = (
        json.dumps({"version": version, "taxa": as_json(tree)}, ensure_ascii=False)
        if args.json
        else "\n".join(table(tree))
    )
    if args.out is None:
        print(text)
    else:
        args.out.write_text(text + "\n", encoding="utf-8")
        print(f"{args.out}: {len(tree.nodes)} taxa, version {version}", file=sys.stderr)
    return DONE


def _version(connection: Connection, args: argparse.Namespace) -> int:
    last = taxa_log.version(connection)
    if args.at is not None:
        try:
            moment = datetime.fromisoformat(args.at).astimezone()
        except ValueError as error:
            raise CommandError(
                f"--at '{args.at}': expected a moment as 2026-05-01T12:00"
            ) from error
        return taxa_log.version_at(connection, int(moment.timestamp() * 1000))
    if args.version is not None and not 0 <= args.version <= last:
        raise CommandError(f"--version {args.version}: the tree has versions 0 to {last}")
    return last if args.version is None else int(args.version)


def merge(args: argparse.Namespace) -> int:
    with opened(args) as shore:
        old, new = _taxon(shore, args.taxon), _taxon(shore, args.into)
        by = By(operator_id(shore), person_here())
        with shore.database.write() as connection:
            done = taxa_merge.merge(connection, old, into=new, by=by, now_ms=now_ms())
            note(connection, "taxon", str(old), f"merged into {new}")
        moved = done.moved
        while done.left:
            with shore.database.write() as connection:
                done = taxa_merge.carry(connection)
            moved += done.moved
    data = {"taxon_id": old, "into": new, "moved": moved}
    return answer(args, data, f"taxon {old} is now taxon {new}; {moved} objects moved")


def _taxon(shore: Shore, said: str) -> int:
    """The taxon of this number or name. Raises CommandError."""
    with shore.database.read() as connection:
        if said.isdigit() and len(said) < 10 and taxa.get(connection, int(said)) is not None:
            return int(said)
        found = taxa.known(connection, [said])
        if said in found:
            return found[said]
        near = taxa_search.search(connection, said, None, MORE)
    there = ", ".join(f"'{one.info.display_name}'" for one in near)
    raise CommandError(f"there is no taxon '{said}'" + (f"; there are {there}" if there else ""))
