"""`seadrift-edge doctor`: is this machine fit to be an instrument, and what to do if not."""

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

EPILOG = """example:
  seadrift-edge doctor
  seadrift-edge doctor --config instrument.toml

Without a configuration the program and the machine are looked at; with one, also the board, disk,
clock, key, slots and shore that it names.

exit codes: 0 fit (warnings are allowed); 1 something must be mended; 2 the configuration is wrong.
"""
_MARK = {"ok": "ok  ", "warn": "warn", "fail": "FAIL"}


def add_parser(subparsers: Any) -> None:
    """Add the subcommand to the command line's parser."""
    parser = subparsers.add_parser(
        "doctor",
        help="look for what is wrong, and say what to do",
        description="Check this machine, and with a configuration the instrument.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help="TOML")
    parser.add_argument("--json", action="store_true", help="for scripts")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Returns the exit code."""
    from edge.agent.checks import examine
    from edge.agent.finding import Finding
    from edge.config import load
    from edge.tables import ConfigError

    config, findings = None, []
    if args.config is not None:
        try:
            config = load(args.config)
            findings.append(Finding("config", "ok", str(args.config)))
        except ConfigError as error:
            print(f"seadrift-edge doctor: {error}", file=sys.stderr)
            return 2
    for finding in examine(config):
        findings.append(finding)
    if args.json:
        print(json.dumps([asdict(finding) for finding in findings], indent=1))
    else:
        for finding in findings:
            print(f"{_MARK[finding.level]}  {finding.name:<9} {finding.text}")
            if finding.remedy:
                print(f"{'':<16}-> {finding.remedy}")
    return 1 if any(finding.level == "fail" for finding in findings) else 0
