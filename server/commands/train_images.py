"""`seadrift train IMAGES`: a head, or a network and a head, from class folders; and its card.

Example:
    $ seadrift train my-images.zip --out bay.seadrift
"""

import argparse
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from models import factory
from models.bundle import Bundle, write_bundle
from models.card import as_markdown
from models.labelled import ImageSetError, open_labelled
from models.runtimes import MissingRuntimeError
from server.clock import now_ms
from server.commands.common import CommandError, answer
from server.learning.folder import train_folder
from server.learning.network import TrainingError, train_network

MINUTES = 60.0


def train_images(args: argparse.Namespace) -> int:
    """Learn, write the release and its card, say how good it is. Raises CommandError."""
    args.out.parent.mkdir(parents=True, exist_ok=True)  # told now, not after minutes
    facts = _network(args) if args.network == "new" else _head(args)
    return answer(args, facts, _table(facts))


def _network(args: argparse.Namespace) -> dict[str, Any]:
    def say(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    minutes = MINUTES if args.minutes is None else args.minutes
    try:
        train_network(
            args.images, args.out, minutes=minutes, seed=args.seed or 0, say=say, resume=args.resume
        )
    except TrainingError as error:
        raise CommandError(str(error)) from error
    except KeyboardInterrupt as error:
        raise CommandError("stopped; --resume goes on from the checkpoint") from error
    bundle = Bundle.load(args.out)
    card = bundle.card
    path = args.out.with_name(args.out.name + ".card.md")
    _write(path, as_markdown(card))
    return {
        "release_id": bundle.release_id,
        "out": str(args.out),
        "card": str(path),
        "evaluation": card["summary"],
        "taxa": card["taxa"],
        "n_train": sum(taxon["trained_on"] for taxon in card["taxa"]),
        "n_test": card["summary"]["objects"],
        "split": "time" if card["split"].startswith("By time") else "random",
        "left_out": {},
        "set_aside": [],
        "ignored": card["details"]["images left out"],
    }


def _head(args: argparse.Namespace) -> dict[str, Any]:
    base = Bundle.load(args.base if args.base is not None else factory.path())
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
    return {
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
