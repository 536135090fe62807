"""`seadrift train`: learn again from what people validated in a project.

Example:
    $ seadrift train --data shore --project "Baltic 2026"
"""

import argparse

from server.api.releases import report
from server.clock import now_ms
from server.commands.common import add_data, answer, doing, opened, project_id
from server.learning.train import train


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "train",
        help="learn from validated objects",
        description="Learn again from what people validated; a person signs it afterwards.",
        epilog='example: seadrift train --project "Baltic 2026"',
    )
    parser.add_argument("--project", required=True, help="title or number")
    parser.add_argument("--parent", help="release to start from (default: what the devices run)")
    add_data(parser)
    parser.set_defaults(run=doing("train", run))


def run(args: argparse.Namespace) -> int:
    with opened(args) as shore:
        done = train(
            shore.database,
            shore.settings.releases,
            project_id=project_id(shore, args.project),
            parent=args.parent,
            now_ms=now_ms(),
        )
    new, old = done.candidate, done.current
    lines = [
        f"release {done.release_id}",
        f"  {done.name}: learnt from {done.n_train} objects, judged on {done.n_test} others "
        f"(held out by {done.split}), {done.seconds:.1f} s",
        f"  accuracy {new.accuracy:.1%}, the present release {old.accuracy:.1%}",
        f"  macro F1 {new.macro_f1:.1%}, the present release {old.macro_f1:.1%}",
    ]
    return answer(args, report(done), "\n".join(lines))
