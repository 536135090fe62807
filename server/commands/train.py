"""`seadrift train`: learn from a folder of labelled images, or from what people validated.

Example:
    $ seadrift train my-images.zip --out bay.seadrift
    $ seadrift train --data shore --project "Baltic 2026"
"""

import argparse
import sys
from pathlib import Path

from server.api.releases import report
from server.clock import now_ms
from server.commands.common import (
    USAGE,
    add_data,
    answer,
    doing,
    opened,
    project_id,
)
from server.learning.train import train

_EPILOG = """\
examples:
  seadrift train my-images.zip --out bay.seadrift
  seadrift train my-images.zip --out bay.seadrift --network new --minutes 90
  seadrift train --data shore --project "Baltic 2026"

IMAGES is a folder or a zip of class folders (CLASS/image.png) of any instrument: 8-bit PNG, JPEG,
TIFF, WebP or BMP, one object in each. By default the network of the base release stays and a new
head is learnt, in seconds to minutes; --network new learns a network too, in an hour or more on one
core (needs seadrift[train]), which pays off from a few thousand images. Either is judged on images
that it did not see. FILE is the new release, and FILE.card.md its card. Classes with fewer than 5
images are left out, and named.
"""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "train",
        help="learn from labelled images or from validated objects",
        description="Learn from images in class folders, or again from what people validated in a "
        "project; a person signs that one afterwards.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("images", nargs="?", type=Path, metavar="IMAGES", help="folder or zip of class folders")
    add("--out", type=Path, metavar="FILE", help="with IMAGES: the release to write")
    add("--base", type=Path, metavar="FILE", help="with IMAGES: whose network (default: factory)")
    add("--seed", type=int, metavar="N", help="with IMAGES: draws what is held out (default: 0)")
    add("--network", choices=("base", "new"), help="with IMAGES: keep the base's, or learn one")
    add(
        "--minutes", type=float, metavar="M", help="with --network new: about so long (default: 60)"
    )
    add("--resume", action="store_true", help="with --network new: go on from its checkpoint")
    add("--project", help="learn from this project: title or number")
    add("--parent", help="with --project: release to start from (default: what the devices run)")
    add_data(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    wrong = _usage(args)
    if wrong:
        print(f"seadrift train: {wrong}", file=sys.stderr)
        return USAGE
    return doing("train", _project if args.images is None else _images)(args)


def _usage(args: argparse.Namespace) -> str:
    """What is wrong with the command line, or nothing."""
    if (args.images is None) == (args.project is None):
        both = "not both" if args.images is not None else "neither was given"
        return f"say what to learn from: IMAGES, a folder or zip, or --project; {both}"
    if args.images is None:
        only = ("out", "base", "seed", "network", "minutes")
        given = [n for n in only if getattr(args, n) is not None] + ["resume"] * args.resume
        return f"--{given[0]} goes with IMAGES, not with --project" if given else ""
    wrong = (
        (args.parent is not None, "--parent goes with --project; with IMAGES say --base FILE"),
        (args.out is None, "say where the release goes: --out FILE"),
        (args.seed is not None and args.seed < 0, "--seed: expected 0 or more"),
        (args.network == "new" and args.base is not None, "--base goes with --network base"),
        (args.network != "new" and args.minutes is not None, "--minutes goes with --network new"),
        (args.network != "new" and args.resume, "--resume goes with --network new"),
        (args.minutes is not None and not args.minutes > 0, "--minutes: expected more than 0"),
        (args.out is not None and args.out.is_dir(), f"--out {args.out}: is a folder, not a file"),
    )
    return next((text for is_wrong, text in wrong if is_wrong), "")


def _project(args: argparse.Namespace) -> int:
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


def _images(args: argparse.Namespace) -> int:
    from server.commands.train_images import train_images  # numpy and the rest: only when asked

    return train_images(args)
