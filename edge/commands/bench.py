"""`seadrift-edge bench`: what a frame costs on this machine, ratios side by side in one run."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from edge.bench import Row, measure
from edge.files import write_atomic

_EXAMPLE = """example:
  seadrift-edge bench --out build/bench/edge.json

times the stages of a frame of 0, 20, 100 and 500 organisms, the network on each runtime, and the
site tables in C and in numpy: one thread, best of several turns.
"""


def add_parser(subparsers: Any) -> None:
    """Add the subcommand to the command line's parser."""
    parser = subparsers.add_parser(
        "bench",
        help="what a frame costs here",
        description="Time the stages of a simulated frame beside their limits and alternatives.",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="also write the rows as JSON")
    parser.add_argument("--turns", type=int, default=10, metavar="N", help="runs of each (10)")
    parser.add_argument("--json", action="store_true", help="print the rows as JSON")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """0 once everything was timed."""
    rows = measure((0, 20, 100, 500), args.turns, lambda line: print(line, file=sys.stderr))
    text = json.dumps([asdict(row) for row in rows], indent=2)
    if args.out is not None:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(args.out, text.encode())
    print(text if args.json else table(rows))
    return 0


def table(rows: Sequence[Row]) -> str:
    """The rows for a person."""
    wide = max(len(row.name) for row in rows)
    return "\n".join(f"{row.name:<{wide}}  {row.value:>10.3f} {row.unit}" for row in rows)
