"""`seadrift-edge bench`: what a frame costs on this machine, ratios side by side in one run."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from edge.files import write_atomic

_EXAMPLE = """example:
  seadrift-edge bench --quick
  seadrift-edge bench --out build/bench/edge.json

times, on one thread, frames of 0, 20, 100 and 500 objects, a frame of noise and (with
SEADRIFT_DATA) real ones through the pipeline as shipped and without the C library; scikit-image's
and morphocut's measures; the network on each runtime, beside its int8 GEMM limit and dense
networks. Codes what goes over the link beside JSON and CBOR, in bytes and time (alone: python -m
edge.bench.link). Measures the peak memory of a device, and counts its instructions on an emulated
arm64 board, which gives joules. At the end: what was to be reached, beside what was found. What is
not installed has a row that says how to get it; the emulated board needs a checkout, qemu-user,
gcc, gcc-aarch64-linux-gnu and mmdebstrap.
"""


def add_parser(subparsers: Any) -> None:
    """Add the subcommand to the command line's parser."""
    parser = subparsers.add_parser(
        "bench",
        help="what a frame costs here",
        description="Time the stages of a frame beside their limits, fallbacks and peers.",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="also write the rows as JSON")
    parser.add_argument("--turns", type=int, metavar="N", help="runs of each (10; 4 with --quick)")
    parser.add_argument("--quick", action="store_true", help="0 and 100 objects, fewer turns")
    parser.add_argument("--no-emulation", action="store_true", help="count no instructions")
    parser.add_argument("--json", action="store_true", help="print the rows as JSON")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """0 once everything was measured, whether or not a target holds; 2 for a wrong option."""
    from edge.bench.run import QUICK, Plan, measure
    from models.figures import table

    plan = QUICK if args.quick else Plan()
    if args.turns is not None:
        if args.turns < 1:
            print(f"--turns: expected 1 or more, got {args.turns}", file=sys.stderr)
            return 2
        plan = replace(plan, turns=args.turns)
    plan = replace(plan, emulate=not args.no_emulation)
    rows, targets = measure(plan, lambda line: print(line, file=sys.stderr))
    text = json.dumps([asdict(row) for row in (*rows, *targets)], indent=2)
    if args.out is not None:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(args.out, text.encode())
    print(text if args.json else f"{table(rows)}\n\nTo reach, and reached\n{table(targets)}")
    return 0
