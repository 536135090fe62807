"""`seadrift train`: learn from a folder of labelled images, or from what people validated.

Example:
    $ seadrift train my-images.zip --out bay.seadrift
    $ seadrift train --data shore --project "Baltic 2026"
"""

import argparse
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from server.api.releases import report
from server.clock import now_ms
from server.commands.common import (
    USAGE,
    CommandError,
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
  seadrift train --data shore --project "Baltic 2026"

IMAGES is a folder or a zip of class folders (CLASS/image.png) of any instrument: 8-bit PNG, JPEG,
TIFF, WebP or BMP, one object in each. The network of the base release stays; a new head is learnt
in seconds to minutes and judged on images that it did not see. FILE is the new release, and
FILE.card.md its card. Classes with fewer than 5 images are left out, and named.
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
        given = [n for n in ("out", "base", "seed") if getattr(args, n) is not None]
        return f"--{given[0]} goes with IMAGES, not with --project" if given else ""
    wrong = (
        (args.parent is not None, "--parent goes with --project; with IMAGES say --base FILE"),
        (args.out is None, "say where the release goes: --out FILE"),
        (args.seed is not None and args.seed < 0, "--seed: expected 0 or more"),
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
    from models import factory
    from models.bundle import Bundle, write_bundle
    from models.card import as_markdown
    from models.labelled import ImageSetError, open_labelled
    from models.runtimes import MissingRuntimeError
    from server.learning.folder import train_folder

    base = Bundle.load(args.base if args.base is not None else factory.path())
    args.out.parent.mkdir(parents=True, exist_ok=True)  # told now, not after minutes
    console = _Console(quiet=args.json)
    try:
        with open_labelled(args.images) as images:
            done = train_folder(
                images,
                base,
                name=args.out.stem[:200],
                seed=args.seed or 0,
                created=datetime.fromtimestamp(now_ms() / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
                progress=console.progress,
                refused=console.refused,
            )
    except (ImageSetError, MissingRuntimeError) as error:
        raise CommandError(str(error)) from error
    except KeyboardInterrupt as error:
        raise CommandError("stopped; nothing was written") from error
    finally:
        console.end()
    card = args.out.with_name(args.out.name + ".card.md")
    release_id = write_bundle(args.out, done.data)
    _write(card, as_markdown(done.card))
    facts = {
        "release_id": release_id,
        "out": str(args.out),
        "card": str(card),
        "evaluation": done.evaluation.summary(),
        "taxa": done.card["taxa"],
        "n_train": done.n_train,
        "n_test": done.n_test,
        "split": done.split,
        "left_out": done.left_out,
        "set_aside": [{"name": name, "reason": reason} for name, reason in done.set_aside],
        "ignored": done.ignored,
    }
    return answer(args, facts, _table(facts))


def _write(path: Path, text: str) -> None:
    """The old file or the whole new one."""
    partial = path.with_name(path.name + ".part")
    try:
        partial.write_text(text, encoding="utf-8")
        os.replace(partial, path)
    except OSError:
        with suppress(OSError):
            partial.unlink()
        raise


def _table(facts: Mapping[str, Any]) -> str:
    """The card in short, for a terminal."""
    figures = facts["evaluation"]
    width = max(5, *(len(taxon["taxon"]) for taxon in facts["taxa"]))
    how = "the later ones" if facts["split"] == "time" else "drawn at random: a flattering split"
    lines = [
        f"release {facts['release_id']}",
        f"  {facts['out']}, its card {facts['card']}",
        f"  learnt from {facts['n_train']} images, judged on {facts['n_test']} others ({how})",
        f"  accuracy {figures['accuracy']:.1%}, balanced accuracy "
        f"{figures['balanced_accuracy']:.1%}, macro F1 {figures['macro_f1']:.1%}",
        "",
        f"  {'class':<{width}}  support  precision   recall",
    ]
    for taxon in facts["taxa"]:
        precision, recall = (
            "–" if value is None else f"{value:.1%}"
            for value in (taxon["precision"], taxon["recall"])
        )
        lines.append(
            f"  {taxon['taxon']:<{width}}  {taxon['support']:>7}  {precision:>9}  {recall:>7}"
        )
    if facts["left_out"]:
        few = ", ".join(f"{label} ({n})" for label, n in facts["left_out"].items())
        lines.append(f"  left out, fewer than 5 images: {few}")
    if facts["set_aside"]:
        lines.append(f"  {len(facts['set_aside'])} images set aside, named above")
    lines += [f"  left alone: {n} {reason}" for reason, n in facts["ignored"].items()]
    return "\n".join(lines)


class _Console:
    """Progress on standard error: one line that is rewritten on a terminal, else one per tenth."""

    def __init__(self, quiet: bool) -> None:
        self._live = sys.stderr.isatty() and not quiet
        self._quiet = quiet
        self._tenth = 0

    def progress(self, done: int, total: int) -> None:
        text = f"{done} of {total} images"
        if self._live:
            text += "; learning" if done == total else ""
            print(f"\r\x1b[K{text}", file=sys.stderr, end="", flush=True)
        elif not self._quiet and 10 * done // total > self._tenth:
            self._tenth = 10 * done // total
            print(text, file=sys.stderr, flush=True)

    def refused(self, name: str, reason: str) -> None:
        print(f"{self._clear()}{name}: {reason} (set aside)", file=sys.stderr, flush=True)

    def end(self) -> None:
        print(self._clear(), file=sys.stderr, end="", flush=True)

    def _clear(self) -> str:
        return "\r\x1b[K" if self._live else ""
