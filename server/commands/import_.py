"""`seadrift import`: an EcoTaxa zip or folder into a project, all of it or nothing.

Exit codes: 0 imported; 1 the upload has errors, or somebody has to say who or which taxon is meant
(the names are listed); 3 nothing could be read.

Example:
    $ seadrift import cast1.zip --data shore --project "Bay" --create
    Bay: 812 objects new, 0 updated, 0 the same, 0 passed over; 812 images, read as ecotaxa
"""

import argparse
import sys
from pathlib import Path
from typing import Any

from server.clock import now_ms
from server.commands.common import (
    DONE,
    CommandError,
    add_data,
    answer,
    doing,
    note,
    opened,
    operator_id,
    project_id,
)
from server.db import jobs, taxa, users
from server.db.jobs import JobInfo
from server.imports.sources import AUTO, FOLDERS, KINDS
from server.shore import Shore

WRONG = 1
_UPDATES = ("none", "data", "classification")


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "import",
        help="bring an EcoTaxa zip or folder into a project",
        description="Bring an EcoTaxa zip or folder (or a backup of a shore) into a project: all "
        "of it, or nothing and a list of what is wrong. The same again makes no duplicates.",
        epilog='example: seadrift import cast1.zip --data shore --project "Bay" --create',
    )
    parser.add_argument(
        "upload", type=Path, help="zip or folder: ecotaxa*.tsv and images, IFCB bins, or pictures"
    )
    parser.add_argument(
        "--kind", choices=(AUTO, *KINDS), default=AUTO, help="its form (default: look at it)"
    )
    parser.add_argument(
        "--folders", choices=FOLDERS, default=FOLDERS[0],
        help="of pictures: what the folders they lie in stand for (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument("--project", required=True, help="title or number")
    parser.add_argument("--create", action="store_true", help="make the project if there is none")
    parser.add_argument("--as", dest="email", help="who imports (default: the first administrator)")
    parser.add_argument(
        "--update",
        choices=_UPDATES,
        default=_UPDATES[0],
        help="what to change of objects that are there: nothing, their values, or what people said "
        "of them too (default: %(default)s)",
    )
    parser.add_argument(
        "--skip-loaded", action="store_true", help="pass over tables that were loaded before"
    )
    parser.add_argument(
        "--skip-existing", action="store_true", help="pass over objects that are there"
    )
    parser.add_argument(
        "--taxa",
        type=Path,
        action="append",
        default=[],
        metavar="MAP.tsv",
        help="what unknown taxa mean: lines of a name, a tab, and a taxon's name or number here",
    )
    parser.add_argument(
        "--people",
        type=Path,
        action="append",
        default=[],
        metavar="MAP.tsv",
        help="who unknown people are: lines of a name, a tab, and an address or number here",
    )
    parser.add_argument(
        "--make-taxa", action="store_true", help="make unknown taxa where the table places them"
    )
    parser.add_argument(
        "--others",
        choices=("ask", "importer", "make"),
        default="ask",
        help="unknown people: say so and stop, name the importer instead, or enter them as people "
        "who cannot log in (default: %(default)s)",
    )
    add_data(parser)
    parser.set_defaults(run=doing("import", run))


def run(args: argparse.Namespace) -> int:
    from server.jobs.worker import run_claimed, worker_name

    with opened(args) as shore:
        user = _importer(shore, args.email)
        project = project_id(shore, args.project, made_by=user if args.create else None)
        worker = worker_name()
        with shore.database.write() as connection:
            job_id = jobs.add(
                connection,
                "import",
                project_id=project,
                user_id=user,
                params=_params(args),
                now_ms=now_ms(),
            )
            note(connection, "import", args.project, f"job {job_id}, {args.upload.name}")
            info = jobs.claim_this(connection, job_id, worker, now_ms())
        assert info is not None
        run_claimed(shore, info, worker)
        done = _state(shore, job_id)
        if done.state == jobs.ASKING:
            done = _answer(shore, args, done, worker)
        return _tell(args, done)


def _params(args: argparse.Namespace) -> dict[str, Any]:
    return {
        "source": str(args.upload.absolute()),
        "own_files": False,
        "update": args.update,
        "skip_loaded_files": args.skip_loaded,
        "skip_existing_objects": args.skip_existing,
        "kind": args.kind,
        "folders": args.folders,
    }


def _importer(shore: Shore, email: str | None) -> int:
    if email is None:
        return operator_id(shore)
    with shore.database.read() as connection:
        found = users.by_email(connection, email)
    if found is None or not found[1]:
        raise CommandError(f"--as {email}: there is no active user of this address")
    return found[0].id


def _state(shore: Shore, job_id: int) -> JobInfo:
    with shore.database.read() as connection:
        found = jobs.get(connection, job_id)
    if found is None:
        raise CommandError(f"job {job_id}: somebody has removed it")
    return found


def _answer(shore: Shore, args: argparse.Namespace, asking: JobInfo, worker: str) -> JobInfo:
    """Answer what the options answer, and go on; or leave the job as it asks."""
    from server.jobs.worker import run_claimed

    reply = {
        "users": _people(shore, args, asking.question.get("missing_users", [])),
        "taxa": _taxa(shore, args, asking.question.get("missing_taxa", [])),
    }
    open_users = set(asking.question.get("missing_users", [])) - reply["users"].keys()
    if open_users or set(asking.question.get("missing_taxa", [])) - reply["taxa"].keys():
        with shore.database.write() as connection:
            jobs.remove(connection, asking.job_id)
        return asking
    with shore.database.write() as connection:
        jobs.answer(connection, asking.job_id, reply)
        info = jobs.claim_this(connection, asking.job_id, worker, now_ms())
    if info is not None:
        run_claimed(shore, info, worker)
    return _state(shore, asking.job_id)


def _people(shore: Shore, args: argparse.Namespace, missing: list[str]) -> dict[str, Any]:
    told = _mapped(args.people)
    found: dict[str, Any] = {} if args.others == "ask" else dict.fromkeys(missing, args.others)
    with shore.database.read() as connection:
        for name in missing:
            if name in told:
                user = users.by_email(connection, told[name])
                found[name] = told[name] if user is None else user[0].id
    return found


def _taxa(shore: Shore, args: argparse.Namespace, missing: list[str]) -> dict[str, Any]:
    told = _mapped(args.taxa)
    found: dict[str, Any] = dict.fromkeys(missing, "make") if args.make_taxa else {}
    with shore.database.read() as connection:
        known = taxa.known(connection, {told[name] for name in missing if name in told})
        for name in missing:
            if name in told:
                found[name] = known.get(told[name], told[name])
    return found


def _mapped(paths: list[Path]) -> dict[str, str]:
    """Lines of a name, a tab and what it means."""
    found = {}
    for path in paths:
        for number, line in enumerate(path.read_text(encoding="utf-8-sig").splitlines(), start=1):
            name, tab, means = line.partition("\t")
            if line.strip() and not (tab and name.strip() and means.strip()):
                raise CommandError(f"{path} line {number}: expected a name, a tab, what it means")
            if line.strip():
                found[name.strip()] = means.strip()
    return found


def _tell(args: argparse.Namespace, job: JobInfo) -> int:
    if job.state == jobs.FINISHED:
        answer(args, {"job_id": job.job_id, **job.result}, _sentence(args.project, job.result))
        return DONE
    if job.state == jobs.ASKING:
        lines = [f"who is {name!r}?" for name in job.question["missing_users"]]
        lines += [f"which taxon is {name!r}?" for name in job.question["missing_taxa"]]
        lines.append("nothing was imported; say it with --people, --taxa, --others, --make-taxa")
        answer(args, job.question, "\n".join(lines))
        return WRONG
    text = "\n".join((*job.errors, f"{args.upload}: nothing was imported"))
    if args.json:
        answer(args, {"errors": job.errors}, text)
    else:
        print(text, file=sys.stderr)
    return WRONG


def _sentence(project: str, result: dict[str, Any]) -> str:
    head = (
        f"{project}: {result['new']} objects new, {result['updated']} updated, {result['same']} "
        f"the same, {result['skipped']} passed over; {result['images']} images, "
        f"read as {result['kind']}"
    )
    return "\n".join((*result["warnings"], head))
