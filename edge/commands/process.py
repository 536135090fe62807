"""``seadrift-edge process``: frames in; overlays, measures and an EcoTaxa zip out.

What happens to each frame is the pipeline's matter (``edge/pipeline.py``); what happens to the run,
its files and its exit code, is ``edge/processing.py``. Here is only what a person types and reads.
"""

from __future__ import annotations

import argparse
import errno
import json
import sys
from pathlib import Path
from typing import Any

from edge.ecotaxa import EcotaxaError, Metadata, MetadataError, read_metadata
from edge.frames import BadFrame
from edge.pipeline import Classifies, FrameResult
from edge.processing import Progress, Release, Summary, process_frames
from edge.segment import SegmentSettings
from edge.sources import SourceError, open_source

OK, SOME_BAD, USAGE, NOTHING = 0, 1, 2, 3
STOPPED = 130  # as shells have it for Ctrl-C

_EPILOG = """\
example:
  seadrift-edge process cast_07.zip --out results --pixel-um 4.5 --esd-min-um 100

FRAMES is a folder (searched with its subfolders), a zip, or one picture: 8-bit PNG, JPEG, TIFF,
WebP or BMP. In DIR are then:
  overlays/NAME.png       each frame with what was found drawn on it
  ecotaxa_SAMPLE.zip      table and vignettes, ready for import into EcoTaxa
  summary.json            per frame: objects, specks, what was dropped, milliseconds
  quarantine/             a copy of each frame that could not be read, and why

exit code: 0 all well; 1 some frames were set aside; 2 usage; 3 nothing could be done.
"""


class UsageError(ValueError):
    """The command line asks for something that cannot be; the message is for a person."""


def add_parser(subparsers: Any) -> None:
    """Add ``process`` to the command line's parser."""
    parser = subparsers.add_parser(
        "process",
        help="segment, measure and classify frames; write overlays and an EcoTaxa zip",
        description=__doc__.partition("\n")[0] if __doc__ else None,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("frames", type=Path, metavar="FRAMES", help="folder, zip or picture")
    add("--out", type=Path, required=True, metavar="DIR", help="folder for the results")
    add("--bundle", type=Path, metavar="FILE", help="release to classify with (default: factory)")
    add("--no-classify", action="store_true", help="segment and measure only")
    add("--field", choices=("auto", "dark", "bright"), default="auto", help="(default: auto)")
    add("--pixel-um", type=float, metavar="X", help="side of a pixel in the water, in um")
    add("--esd-min-um", type=float, metavar="X", help="smallest object (default: 12 pixels)")
    add("--metadata", type=Path, metavar="FILE", help="sample, acq, process, object: TOML or JSON")
    runtimes = ("auto", "native", "litert", "onnx", "reference")
    add("--runtime", choices=runtimes, default="auto", help="what computes the network (auto)")
    add("--json", action="store_true", help="print the summary as JSON, and nothing else")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Process and report. Exit code: 0 all well, 1 some set aside, 2 usage, 3 nothing done."""
    progress = _progress(args.json)
    try:
        settings = _settings(args)
        metadata = read_metadata(args.metadata) if args.metadata else Metadata()
        release = None if args.no_classify else load_release(args.bundle, args.runtime)
        with open_source(args.frames) as source:
            summary = process_frames(
                source, args.out, settings, metadata, release, args.pixel_um is not None, progress
            )
    except (UsageError, MetadataError, EcotaxaError) as error:
        return _fail(USAGE, str(error))
    except SourceError as error:
        return _fail(NOTHING, str(error))
    except OSError as error:
        return _fail(NOTHING, _disk_message(error, args.out))
    except KeyboardInterrupt:
        return _fail(STOPPED, "stopped; no zip was written")
    if args.json:
        print(json.dumps(summary.as_dict(), ensure_ascii=False))
    else:
        _report(summary)
    if not summary.frames:
        return _fail(NOTHING, f"{args.frames}: no frame could be processed")
    return SOME_BAD if summary.bad else OK


def load_release(path: Path | None, runtime: str) -> Release:
    """A release and its classifier, self-tested; without a path, the factory's.

    Raises UsageError if it cannot be used.
    """
    from models import factory
    from models.bundle import Bundle, BundleError
    from models.classifier import Classifier
    from models.runtimes import MissingRuntimeError

    where = path if path is not None else Path(factory.path())
    try:
        bundle = Bundle.load(where)
        tested = bundle.self_test(runtime)
        if not tested.ok:
            raise UsageError(f"{where}: {tested.reason}")
        classifier: Classifies = Classifier(bundle, runtime)
    except (BundleError, MissingRuntimeError) as error:
        raise UsageError(f"{where}: {error}") from error
    except OSError as error:
        raise UsageError(f"{where}: {error.strerror or error}") from error
    return Release(bundle.name, classifier)


def _settings(args: argparse.Namespace) -> SegmentSettings:
    if args.pixel_um is None and args.esd_min_um is not None:
        raise UsageError("--esd-min-um needs --pixel-um: without it a size in um means nothing")
    try:
        pixel_um = 1.0 if args.pixel_um is None else args.pixel_um
        return SegmentSettings(field=args.field, pixel_um=pixel_um, esd_min_um=args.esd_min_um)
    except ValueError as error:
        raise UsageError(str(error)) from error


def _progress(quiet: bool) -> Progress:
    """One line that is rewritten on a terminal; a line a frame in a log; messages always."""
    live = sys.stderr.isatty() and not quiet

    def say(text: str) -> None:
        print(("\r\x1b[K" if live else "") + text, file=sys.stderr, flush=True)

    def done(number: int, total: int, result: FrameResult) -> None:
        found = result.segmentation
        if found.message:
            say(f"{result.frame.name}: {found.message}")
        if quiet:
            return
        text = (
            f"[{number}/{total}] {result.frame.name}: {len(result.objects)} objects, "
            f"{found.specks} specks, {sum(result.ms.values()):.0f} ms"
        )
        print("\r\x1b[K" + text if live else text, file=sys.stderr, end="" if live else "\n")

    def bad(item: BadFrame) -> None:
        say(f"{item.name}: {item.reason} (set aside)")

    return Progress(done, bad)


def _report(summary: Summary) -> None:
    if sys.stderr.isatty():
        print(file=sys.stderr)
    lines = [
        f"{len(summary.frames)} frames: {summary.objects} objects, "
        f"{summary.specks} specks below the size limit"
    ]
    if summary.dropped:
        lines.append(f"{summary.dropped} objects dropped by the cap on objects in a frame")
    if summary.bad:
        lines.append(f"{len(summary.bad)} frames set aside in quarantine/, each with the reason")
    if summary.ignored:
        lines.append(f"{summary.ignored} files that are no pictures were left alone")
    if summary.pixel_is_assumed:
        lines.append("no --pixel-um was given: sizes are in pixels")
    if summary.archive:
        lines += [f"EcoTaxa:  {summary.archive}", f"overlays: {summary.overlays}"]
    print("\n".join(lines))


def _disk_message(error: OSError, out: Path) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"the disk is full: {out} cannot take the results; no zip was written"
    return f"{error.filename or out}: {error.strerror or error}"


def _fail(code: int, message: str) -> int:
    print(f"seadrift-edge process: {message}", file=sys.stderr)
    return code
