"""`make faults`: runs the laboratory, prints what became of each promise, and keeps it.

Example:
    python -m tests.faults --fast
"""

import argparse
import json
import os
import re
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path

from tests.faults.laboratory import BOOK, PROMISES, Report, collect, missing, table

ROOT = Path(__file__).parents[2]
BUILD = ROOT / "build"
PAGE = ROOT / "docs" / "reliability.md"
BETWEEN = re.compile(r"(<!-- table -->\n).*?(<!-- end of table -->)", re.DOTALL)


def main() -> int:
    """0 when every promise was put to the test and held."""
    parser = argparse.ArgumentParser(prog="make faults", description=__doc__)
    parser.add_argument("--fast", action="store_true", help="the slice that `make test` runs")
    parser.add_argument("--page", action="store_true", help="write the table of the document anew")
    args = parser.parse_args()
    began_s = time.monotonic()
    book = BUILD / "faults.jsonl"
    BUILD.mkdir(exist_ok=True)
    book.unlink(missing_ok=True)
    failed = _run(book, fast=args.fast) != 0
    reports = collect(book)
    seconds = time.monotonic() - began_s
    (BUILD / "faults.json").write_text(
        json.dumps({"seconds": round(seconds), "reports": [asdict(r) for r in reports]}, indent=1)
    )
    untested = [] if args.fast else missing(reports)
    _say(reports, untested, seconds)
    if args.page:
        write_page(reports)
    return 1 if failed or untested or not all(r.good for r in reports) else 0


def _run(book: Path, *, fast: bool) -> int:
    """pytest's exit status."""
    chosen = f"faults and not {'slow_faults' if fast else 'quick_faults'}"
    argv = [sys.executable, "-m", "pytest", "tests/faults", "-m", chosen, "-n", "2", "-v"]
    argv += ["--dist", "loadgroup", "--timeout", "900", "--no-header", "--tb", "short"]
    env = {**os.environ, BOOK: str(book)}
    return subprocess.run(argv, cwd=ROOT, env=env, check=False).returncode


def _say(reports: list[Report], untested: list[str], seconds: float) -> None:
    for name, promise in PROMISES.items():
        here = [r for r in reports if r.promise == name]
        if here or name in untested:
            print(f"\n{promise}")
        for r in here:
            print(f"  {r.injected}: {r.times:,} times, lost {r.lost}, duplicated {r.duplicated}")
        if name in untested:
            print("  NOT PUT TO THE TEST")
    times = sum(r.times for r in reports)
    lost, twice = sum(r.lost for r in reports), sum(r.duplicated for r in reports)
    print(f"\n{times:,} faults in {seconds / 60:.1f} min: lost {lost}, duplicated {twice}")


def write_page(reports: list[Report]) -> None:
    """Put the table of `reports` into the document."""
    lines = "\n".join(table(reports))
    PAGE.write_text(BETWEEN.sub(lambda m: f"{m[1]}{lines}\n{m[2]}", PAGE.read_text()))


if __name__ == "__main__":
    sys.exit(main())
