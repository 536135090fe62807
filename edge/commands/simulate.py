"""``seadrift-edge simulate``: write frames of the simulated instrument, with their truth if asked.

Frames depend on the seed and their number only, so a run that stopped is continued with ``--start``
and gives the very same files.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from edge.files import write_atomic
from edge.frames import Frame
from edge.png import encode
from edge.simulator import PRESETS, SettingsError, SimFrame, SimSettings, Simulator, preset
from edge.simulator.truth import frame_record

_EXAMPLE = """example:
  seadrift-edge simulate --out frames --frames 10 --field dark --density 40 --seed 1 --truth

writes frames/sim_1_000000.png and so on, frames/cast.csv (time, place, depth and temperature of
each frame) and, with --truth, frames/truth.jsonl: for each frame its organisms with taxon, box,
area and mask. The same seed gives the same frames. See docs/simulator.md.
"""
_CAST_COLUMNS = "frame,index,utc_ms,lat_deg,lon_deg,depth_m,temperature_c\n"


def add_parser(subparsers: Any) -> None:
    """Add the subcommand to the command line's parser."""
    parser = subparsers.add_parser(
        "simulate",
        help="write frames of a simulated instrument",
        description="Write dark-field or bright-field frames of procedural plankton.",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to fill")
    parser.add_argument("--frames", type=int, default=10, metavar="N", help="how many (10)")
    parser.add_argument("--start", type=int, default=0, metavar="N", help="first frame's number")
    parser.add_argument("--preset", choices=sorted(PRESETS), help="a named instrument")
    parser.add_argument("--field", choices=("dark", "bright"), help="light (dark)")
    parser.add_argument("--density", type=float, metavar="N", help="organisms a frame, 0-500 (40)")
    parser.add_argument("--seed", type=int, metavar="N", help="which sea (1)")
    parser.add_argument("--width", type=int, metavar="PX", help="of a frame (2048)")
    parser.add_argument("--height", type=int, metavar="PX", help="of a frame (1536)")
    parser.add_argument("--pixel-um", type=float, metavar="UM", help="a pixel's side in water (10)")
    parser.add_argument(
        "--cast-frames", type=int, metavar="N", help="frames in one cast down and up (all of them)"
    )
    parser.add_argument("--truth", action="store_true", help="also write truth.jsonl")
    parser.add_argument("--json", action="store_true", help="print a summary as JSON")
    parser.set_defaults(run=run)


def settings_from(args: argparse.Namespace) -> SimSettings:
    """The instrument that the command line asks for; raises :class:`SettingsError`."""
    named = ("density", "seed", "width", "height", "pixel_um", "cast_frames")
    changes = {name: getattr(args, name) for name in named if getattr(args, name) is not None}
    changes.setdefault("cast_frames", max(2, args.start + args.frames))
    base = args.preset or ("brightfield" if args.field == "bright" else "darkfield")
    if args.field is not None and PRESETS[base].get("field", "dark") != args.field:
        raise SettingsError(f"field: preset {base!r} is not a {args.field} field")
    return preset(base, frames=args.start + args.frames, **changes)


def run(args: argparse.Namespace) -> int:
    """Write the frames. 0: all written; 2: a setting is wrong; 3: the disk refused."""
    if args.frames < 1 or args.start < 0:
        print("simulate: --frames: expected 1 or more, and --start 0 or more", file=sys.stderr)
        return 2
    try:
        settings = settings_from(args)
    except SettingsError as error:
        print(f"simulate: {error}", file=sys.stderr)
        return 2
    began = time.monotonic()
    organisms = 0
    try:
        with _tables(args) as write:
            simulator = Simulator(settings)
            for number, index in enumerate(range(args.start, settings.frames), start=1):
                simulated = simulator.frame(index)
                write(simulated)
                organisms += len(simulated.truth)
                _progress(args, number, simulated, time.monotonic() - began)
    except OSError as error:
        where = error.filename or args.out
        print(f"simulate: cannot write {where}: {error.strerror or error}", file=sys.stderr)
        return 3
    _summary(args, organisms, time.monotonic() - began)
    return 0


class _Writer:
    """Writes one frame's picture, then its lines, so that a line never names a missing picture."""

    def __init__(self, out: Path, cast: TextIO, truth: TextIO | None) -> None:
        self.out, self.cast, self.truth = out, cast, truth

    def __call__(self, simulated: SimFrame) -> None:
        frame = simulated.frame
        write_atomic(self.out / frame.name, encode(frame.grey))
        self.cast.write(_cast_line(frame))
        self.cast.flush()
        if self.truth is not None:
            self.truth.write(json.dumps(frame_record(simulated), separators=(",", ":")) + "\n")
            self.truth.flush()


@contextmanager
def _tables(args: argparse.Namespace) -> Iterator[_Writer]:
    """Open the tables: anew from frame 0, behind what is there for a run that is continued."""
    args.out.mkdir(parents=True, exist_ok=True)
    mode = "a" if args.start > 0 else "w"
    with (args.out / "cast.csv").open(mode, encoding="utf-8") as cast:
        if cast.tell() == 0:
            cast.write(_CAST_COLUMNS)
        if not args.truth:
            yield _Writer(args.out, cast, None)
            return
        with (args.out / "truth.jsonl").open(mode, encoding="utf-8") as truth:
            yield _Writer(args.out, cast, truth)


def _cast_line(frame: Frame) -> str:
    place = f"{frame.lat_deg:.6f},{frame.lon_deg:.6f},{frame.depth_m:.3f},{frame.temperature_c:.3f}"
    return f"{frame.name},{frame.index},{frame.utc_ms},{place}\n"


def _progress(args: argparse.Namespace, number: int, simulated: SimFrame, spent_s: float) -> None:
    """One line a frame on a terminal and in a log alike; nothing when a script reads."""
    if args.json:
        return
    frame = simulated.frame
    print(
        f"frame {number}/{args.frames}  {frame.name}  {frame.depth_m:6.1f} m"
        f"  {len(simulated.truth):4d} organisms  {spent_s:6.1f} s",
        file=sys.stderr,
    )


def _summary(args: argparse.Namespace, organisms: int, spent_s: float) -> None:
    if args.json:
        record = {
            "out": str(args.out),
            "frames": args.frames,
            "organisms": organisms,
            "seconds": round(spent_s, 3),
        }
        print(json.dumps(record))
        return
    each = spent_s / args.frames
    print(f"{args.frames} frames with {organisms} organisms in {args.out} ({each:.2f} s a frame)")
