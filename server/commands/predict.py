"""`seadrift predict`: learn what people validated in a project, predict the rest of it.

Example:
    $ seadrift predict --data shore --project "Bay"
    training 3: learnt from 6770 objects, predicted 13230
"""

import argparse
from typing import Any

from server.clock import now_ms
from server.commands.common import (
    CommandError,
    add_data,
    answer,
    doing,
    opened,
    operator_id,
    project_id,
)
from server.db import counts, jobs, predictions, taxa
from server.db.jobs import JobInfo
from server.shore import Shore

_EPILOG = """\
examples:
  seadrift predict --data shore --project "Bay"
  seadrift predict --data shore --project "Bay" --from "Bay 2025" --features area,mean,elongation
  seadrift predict --data shore --project "Bay" --filter samples=4 --limit 2000 --json
  seadrift predict --data shore --project "Bay" --undo 3

A random forest learns the validated objects of the projects named by --from (default: of the
project itself) and predicts those that are unclassified or predicted. What a person said is never
changed. How well it does on objects that it had not seen is printed, and kept.
"""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "predict",
        help="learn what people validated in a project, predict the rest",
        description="Learn what people validated in a project and predict the rest of it.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--project", required=True, help="title or number")
    add("--from", action="append", default=[], dest="sources", metavar="PROJECT",
        help="learn from this project (may be given again)")  # fmt: skip
    add("--features", default="", metavar="A,B", help="free columns (default: all of numbers)")
    add("--embedding", action="store_true", help="learn from an instrument's embeddings too")
    add("--categories", default="", metavar="A,B", help="taxa to learn (default: all)")
    add("--limit", type=int, metavar="N", help="learn at most so many objects of each taxon")
    add("--only", choices=("U", "P"), help="predict only unclassified (U) or predicted (P) objects")
    add("--filter", action="append", default=[], metavar="NAME=VALUE", type=_pair, dest="filters",
        help="one of EcoTaxa's filters: samples=4, depthmin=10")  # fmt: skip
    add("--undo", type=int, metavar="TRAINING", help="take a training's predictions back")
    add_data(parser)
    parser.set_defaults(run=doing("predict", run))


def run(args: argparse.Namespace) -> int:
    with opened(args) as shore:
        project = project_id(shore, args.project)
        if args.undo is not None:
            job = _run(shore, "unpredict", project, {"training_id": args.undo})
            text = f"training {args.undo}: {job.result['changed']} objects are as before"
            return answer(args, job.result, text)
        job = _run(shore, "predict", project, _params(shore, project, args))
        with shore.database.read() as connection:
            training = predictions.get_training(connection, job.result["training_id"])
    assert training is not None
    data = {"training_id": training.training_id, **training.report}
    return answer(args, data, "\n".join(_lines(data)))


def _params(shore: Shore, project: int, args: argparse.Namespace) -> dict[str, Any]:
    sources = [project_id(shore, title) for title in args.sources]
    return {
        "source_projects": sources,
        "features": [name.strip() for name in args.features.split(",") if name.strip()],
        "embedding": args.embedding,
        "categories": _taxa(shore, sources or [project], args.categories),
        "learning_limit": args.limit,
        "statuses": [args.only] if args.only else [],
        "filters": dict(args.filters),
    }


def _taxa(shore: Shore, sources: list[int], names: str) -> list[int]:
    """Taxa of these projects by display name or number. Raises CommandError."""
    wanted = [name.strip() for name in names.split(",") if name.strip()]
    with shore.database.read() as connection:
        there = {taxon for source in sources for taxon in counts.by_taxon(connection, source)}
        infos = taxa.by_id(connection, there)
    known = {info.display_name: taxon for taxon, info in infos.items()}
    known |= {str(taxon): taxon for taxon in infos}
    missing = [name for name in wanted if name not in known]
    if missing:
        there_are = ", ".join(info.display_name for info in infos.values()) or "none"
        raise CommandError(f"--categories {missing[0]}: not among the taxa here: {there_are}")
    return [known[name] for name in wanted]


def _run(shore: Shore, kind: str, project: int, params: dict[str, Any]) -> JobInfo:
    """Run the job here; a worker that is quicker may take it. Raises CommandError."""
    from server.jobs.worker import wait_for

    with shore.database.write() as connection:
        number = jobs.add(
            connection, kind, project_id=project, user_id=operator_id(shore),
            params=params, now_ms=now_ms(),
        )  # fmt: skip
    job = wait_for(shore, number)
    if job.state != jobs.FINISHED:
        raise CommandError("; ".join(job.errors) or f"job {number} ended as {job.state}")
    return job


def _lines(report: dict[str, Any]) -> list[str]:
    lines = [
        f"training {report['training_id']}: learnt from {report['objects']} objects, "
        f"predicted {report['predicted']}"
    ]
    if "accuracy" in report:
        lines.append(
            f"  on {report['judged_on']} objects held out (by {report['split']}): accuracy "
            f"{report['accuracy']:.1%}, mean recall of taxa {report['balanced_accuracy']:.1%}"
        )
        lines += [
            f"  {row['name']}: learnt {row['learnt']}, recall {_percent(row['recall'])}, "
            f"precision {_percent(row['precision'])}"
            for row in report["taxa"]
        ]
    return lines + [f"  {warning}" for warning in report["warnings"]]


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.0%}"


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise argparse.ArgumentTypeError(f"'{text}': expected NAME=VALUE")
    return name, value
