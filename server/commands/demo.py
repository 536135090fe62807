"""`seadrift demo`: the whole loop on this machine, with a table at its end."""

import argparse
import json
import signal
import sys
import time
from dataclasses import asdict
from pathlib import Path

from server.demo.processes import DemoError
from server.demo.story import ADMIN, Outcome, Plan, tell

EXAMPLE = """\
example:
  seadrift demo --exit          run it, print the table, end
  seadrift demo                 run it, and leave the review page up until Ctrl-C
"""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "demo",
        help="two simulated instruments, a cut link, an operator, a new release",
        description=__doc__,
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--folder", type=Path, default=Path("build/demo"), help="working folder")
    parser.add_argument("--exit", action="store_true", help="end after the table")
    parser.add_argument("--json", action="store_true", help="the table as JSON on standard output")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """0 when nothing was lost or duplicated and the new release names more right; 1 else."""
    began = time.monotonic()

    def say(line: str) -> None:
        print(f"[{time.monotonic() - began:6.1f} s] {line}", file=sys.stderr, flush=True)

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: the processes end too
    try:
        outcome = tell(Plan(folder=args.folder), say)
    except (DemoError, RuntimeError) as error:
        print(f"seadrift demo: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nseadrift demo: stopped by hand", file=sys.stderr)
        return 130
    print(_json(outcome) if args.json else table(outcome), flush=True)
    try:
        if not args.exit:
            _stay(outcome)
    finally:
        outcome.shore.stop()
    return 0 if outcome.good else 1


def _json(outcome: Outcome) -> str:
    skip = ("shore", "password")
    shown = {k: v for k, v in vars(outcome).items() if k not in skip}
    return json.dumps({**shown, "account": asdict(outcome.account)}, indent=2)


def table(o: Outcome) -> str:
    """The table that ends the demonstration."""
    rows = [
        ("frames", f"{o.account.frames}"),
        ("objects", f"{o.account.objects}"),
        ("vignettes", f"{o.account.vignettes}"),
        ("lost", f"{o.account.lost}"),
        ("duplicated", f"{o.account.duplicated}"),
        ("link of 'south' away", f"{o.away_s:.0f} s, {o.waited} records kept"),
        ("validated by the operator", f"{o.validated}"),
        ("accuracy before", f"{o.accuracy_before:.1%} of {o.judged_before} ({o.release_before})"),
        ("accuracy after", f"{o.accuracy_after:.1%} of {o.judged_after} ({o.release_after})"),
        ("milliseconds a frame", f"{o.ms_per_frame:.0f} (3.1 Mpx: segment, measure, classify)"),
        ("the whole demonstration", f"{o.seconds:.0f} s"),
    ]
    wide = max(len(name) for name, _ in rows)
    rule = "-" * (wide + 44)
    return "\n".join([rule, *(f"{name:<{wide}}  {value}" for name, value in rows), rule])


def _stay(outcome: Outcome) -> None:
    page = f"{outcome.url}/projects/{outcome.project}/review"
    print(f"review page: {page}\nlog in as {ADMIN} with the password {outcome.password}")
    print("Ctrl-C ends it.", flush=True)
    try:
        outcome.shore.wait(patience_s=None)
    except KeyboardInterrupt:
        print("\nthe shore stops", file=sys.stderr)
