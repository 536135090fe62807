"""``seadrift-edge classify``: ready-made vignettes in; the likeliest classes of each out.

For images that another program has cut out already, of any instrument: one object in each, on a
white, black or grey background (``models/vignettes.py`` tells it apart). An image is called by its
likeliest class where that can be trusted, else by a taxon above it that can, else by the likeliest
class and not ``sure`` (``models/thresholds.py``).
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from edge.commands.process import NOTHING, OK, SOME_BAD, STOPPED, USAGE, UsageError, load_release
from edge.files import write_atomic
from edge.frames import BadFrame, Frame
from edge.pipeline import likeliest
from edge.sources import SourceError, open_source
from models.classifier import Classifier
from models.measures import measure_many
from models.vignettes import Vignette, cut_out

BATCH = 64
ESD_FACTOR = 2 / np.sqrt(np.pi)

_EPILOG = """\
example:
  seadrift-edge classify vignettes/ --bundle bay.seadrift --json

IMAGES are pictures of one object each, folders (searched with their subfolders) or zips of them:
8-bit PNG, JPEG, TIFF, WebP or BMP, on a white, black or grey background. For each: the taxon it is
called and whether that is sure (the likeliest class, or the taxon above it, whose probability
reaches the threshold that held 90 % precision on held-out objects; else the likeliest class, not
sure), the three likeliest classes with their scores (calibrated probabilities, summing to 1 over
all classes), and unknown: the share of known held-out objects that seem less strange than this one.
Above 0.99 it is most likely nothing that the release was taught.

exit code: 0 all well; 1 some images were bad and set aside; 2 usage; 3 nothing could be done.
"""


@dataclass(frozen=True)
class Called:
    """What is said of one image."""

    name: str
    taxon: str
    score: float  # the taxon's probability, summed over the classes below it
    sure: bool | None  # None: the release has no thresholds
    top: tuple[tuple[str, float], ...]
    unknown: float
    field: str
    area_px: int

    def as_dict(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "taxon": self.taxon,
            "score": round(self.score, 4),
            "sure": self.sure,
            "top": [{"taxon": taxon, "score": round(score, 4)} for taxon, score in self.top],
            "unknown": round(self.unknown, 4),
            "field": self.field,
            "area_px": self.area_px,
            "esd_px": round(float(ESD_FACTOR * np.sqrt(self.area_px)), 2),
        }


@dataclass
class _Tally:
    called: list[Called]
    bad: list[tuple[str, str]]
    ignored: int = 0


def add_parser(subparsers: Any) -> None:
    """Add ``classify`` to the command line's parser."""
    parser = subparsers.add_parser(
        "classify",
        help="name the object of ready-made vignettes, of any instrument",
        description=__doc__.partition("\n")[0] if __doc__ else None,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("images", type=Path, nargs="+", metavar="IMAGES", help="pictures, folders or zips")
    add("--bundle", type=Path, metavar="FILE", help="release to classify with (default: factory)")
    runtimes = ("auto", "onnx", "litert", "reference")
    add("--runtime", choices=runtimes, default="auto", help="what computes the network (auto)")
    add("--csv", type=Path, metavar="FILE", help="write a table too; tab-separated if named .tsv")
    add("--json", action="store_true", help="print JSON, and nothing else")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Classify and report. Exit code: 0 all well, 1 some set aside, 2 usage, 3 nothing done."""
    tally = _Tally([], [])
    try:
        if args.csv is not None and (args.csv.is_dir() or not args.csv.parent.is_dir()):
            raise UsageError(f"--csv {args.csv}: expected a file in a folder that is there")
        release = load_release(args.bundle, args.runtime)
        classifier = release.classifier
        assert isinstance(classifier, Classifier)  # no other is made of a bundle
        for path in args.images:
            try:
                _classify_path(path, len(args.images) > 1, classifier, tally, args.json)
            except SourceError as error:  # the other paths may be good
                tally.bad.append((str(path), str(error)))
                print(f"{error} (set aside)", file=sys.stderr, flush=True)
        if args.csv is not None:
            write_atomic(args.csv, table(tally.called, args.csv.suffix.lower() == ".tsv").encode())
    except UsageError as error:
        return _fail(USAGE, str(error))
    except OSError as error:
        return _fail(NOTHING, f"{error.filename or args.csv}: {error.strerror or error}")
    except KeyboardInterrupt:
        return _fail(STOPPED, "stopped")
    try:
        _report(args, release.name, classifier, tally)
        sys.stdout.flush()
    except BrokenPipeError:  # `... | head` has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if not tally.called:
        where = ", ".join(map(str, args.images))
        return _fail(NOTHING, f"{where}: no image could be classified")
    return SOME_BAD if tally.bad else OK


def classify_vignettes(
    named: Sequence[tuple[str, Vignette]], classifier: Classifier
) -> list[Called]:
    """What a classifier says of some vignettes, in order."""
    vignettes = [vignette for _, vignette in named]
    measures = measure_many([(v.grey, v.mask, 0, 0, v.field) for v in vignettes])
    said = classifier.classify([v.signal for v in vignettes], [v.mask for v in vignettes], measures)
    decided = classifier.decide(said.probabilities)
    judged = classifier.thresholds is not None
    return [
        Called(
            name,
            classifier.nodes[int(decided.node[i])],
            float(decided.score[i]),
            bool(decided.sure[i]) if judged else None,
            likeliest(said.probabilities[i], classifier.classes),
            float(said.unknown[i]),
            vignette.field,
            int(np.count_nonzero(vignette.mask)),
        )
        for i, (name, vignette) in enumerate(named)
    ]


def table(called: Sequence[Called], tabs: bool) -> str:
    """A line an image, with a header: what it is called, how sure, and the likeliest classes."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter="\t" if tabs else ",", lineterminator="\n")
    columns = ["name", "taxon", "score", "sure", "unknown", "field", "area_px"]
    writer.writerow([*columns, *(f"{what}_{i}" for i in (1, 2, 3) for what in ("class", "score"))])
    for one in called:
        padded = [*one.top, ("", 0.0), ("", 0.0)][:3]
        flat = [(taxon, f"{score:.4f}" if taxon else "") for taxon, score in padded]
        sure = {True: "yes", False: "no", None: ""}[one.sure]
        facts = [one.taxon, f"{one.score:.4f}", sure, f"{one.unknown:.4f}", one.field, one.area_px]
        writer.writerow([one.name, *facts, *(cell for pair in flat for cell in pair)])
    return text.getvalue()


def _classify_path(
    path: Path, several: bool, classifier: Classifier, tally: _Tally, quiet: bool
) -> None:
    """Classify what a path stands for; with several paths, names say which one they are of."""
    live = sys.stderr.isatty() and not quiet
    prefix = f"{path}/" if several and not path.is_file() else ""
    with open_source(path) as source:
        tally.ignored += source.ignored
        total, done = len(source), 0
        images = iter(source)
        while batch := list(islice(images, BATCH)):
            named = list(_vignettes(batch, prefix, tally, "\r\x1b[K" if live else ""))
            tally.called += classify_vignettes(named, classifier) if named else []
            done += len(batch)
            if live:
                print(f"\r\x1b[K{path}: {done} of {total}", file=sys.stderr, end="", flush=True)
    if live:
        print("\r\x1b[K", file=sys.stderr, end="", flush=True)


def _vignettes(
    batch: Sequence[Frame | BadFrame], prefix: str, tally: _Tally, clear: str
) -> Iterator[tuple[str, Vignette]]:
    for item in batch:
        name = prefix + item.name
        reason = item.reason if isinstance(item, BadFrame) else ""
        if isinstance(item, Frame):
            try:
                yield name, cut_out(item.grey)
            except ValueError as error:
                reason = str(error)
        if reason:
            tally.bad.append((name, reason))
            print(f"{clear}{name}: {reason} (set aside)", file=sys.stderr, flush=True)


def _report(args: argparse.Namespace, bundle: str, classifier: Classifier, tally: _Tally) -> None:
    if args.json:
        facts = {
            "bundle": bundle,
            "release": classifier.release_id,
            "runtime": classifier.runtime_name,
            "unknown_by": classifier.unknown_by,
            "thresholds": classifier.thresholds,
            "images": [one.as_dict() for one in tally.called],
            "bad": [{"name": name, "reason": reason} for name, reason in tally.bad],
            "ignored": tally.ignored,
        }
        print(json.dumps(facts, ensure_ascii=False))
        return
    for one in tally.called:
        top = ", ".join(f"{taxon} {score:.2f}" for taxon, score in one.top)
        sure = {True: " (sure)", False: " (not sure)", None: ""}[one.sure]
        print(f"{one.name}: {one.taxon}{sure}; {top}; unknown {one.unknown:.2f}")
    print(f"{len(tally.called)} images classified with {bundle}", file=sys.stderr)
    if tally.bad:
        print(f"{len(tally.bad)} images were bad and set aside, named above", file=sys.stderr)
    if tally.ignored:
        print(f"{tally.ignored} files that are no pictures were left alone", file=sys.stderr)


def _fail(code: int, message: str) -> int:
    print(f"seadrift-edge classify: {message}", file=sys.stderr)
    return code
