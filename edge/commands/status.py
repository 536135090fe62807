"""`seadrift-edge status`: what the instrument is doing, for a person or a script."""

import argparse
import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

EPILOG = """example:
  seadrift-edge status --config instrument.toml
  seadrift-edge status --config instrument.toml --json

While the agent runs, its own report is shown, at most a second or so old; when it does not, the
counts come from the outbox itself.

exit codes: 0; 2 the configuration is wrong; 3 there is nothing to report yet.
"""


def add_parser(subparsers: Any) -> None:
    """Add the subcommand to the command line's parser."""
    parser = subparsers.add_parser(
        "status",
        help="what the instrument is doing",
        description="Frames, objects, what waits, the link, the release, the energy.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--config", type=Path, required=True, metavar="FILE", help="TOML")
    parser.add_argument("--json", action="store_true", help="for scripts")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Returns the exit code."""
    from edge.agent.observe import observe
    from edge.config import load
    from edge.outbox import OutboxError
    from edge.tables import ConfigError

    try:
        found = observe(load(args.config))
    except ConfigError as error:
        print(f"seadrift-edge status: {error}", file=sys.stderr)
        return 2
    except OutboxError as error:
        print(f"seadrift-edge status: {error}", file=sys.stderr)
        return 3
    if found is None:
        print("seadrift-edge status: this instrument has not run yet", file=sys.stderr)
        return 3
    print(json.dumps(found, indent=1) if args.json else as_text(found, time.time()))
    return 0


def as_text(found: Mapping[str, Any], now_s: float) -> str:
    """The report for a person; `now_s` is the time to which ages are given."""
    rows = [
        ("instrument", _instrument(found)),
        ("frames", f"{found['frames']} done, {found['bad_frames']} set aside"),
        ("objects", f"{found['objects']}"),
        ("waiting", _waiting(found, now_s)),
        ("link", _link(found, now_s)),
        *(("", _carrier(carrier)) for carrier in found["carriers"]),
        ("release", _release(found)),
        ("slots", ", ".join(f"{slot} {held[:12]}" for slot, held in found["slots"].items())),
        ("deployment", _deployment(found["deployment"])),
        ("time", _milliseconds(found)),
        ("energy", _energy(found)),
        ("disk", f"{found['disk_free_mb'] / 1024:.1f} GB free"),
    ]
    return "\n".join(f"{name:<12}{text}" for name, text in rows)


def _instrument(found: Mapping[str, Any]) -> str:
    state = found["state"] if found["running"] else "not running"
    return f"{found['name']} ({found['board']}): {state}"


def _waiting(found: Mapping[str, Any], now_s: float) -> str:
    text = f"{found['pending']} records, {found['pending_bytes'] / 2**20:.1f} MB"
    oldest = found["oldest_pending_ms"]
    if oldest is not None:
        text += f", the oldest {_age(now_s - oldest / 1e3)} old"
    if found["given_up"]:
        text += f"; {found['given_up']} given up, there was no room"
    if found["blobs"]:
        text += f"; {found['blobs']} whole images and frames"
    return text + (f"; {found['dead']} refused by the shore and kept" if found["dead"] else "")


def _link(found: Mapping[str, Any], now_s: float) -> str:
    if not found["shore"]:
        return "no shore is configured"
    if found["wiped"]:
        from edge.identity import WIPED_SAID

        return f"{WIPED_SAID}: nothing is sent any more"
    device = found["device_id"] or "not enrolled"
    text = f"{found['link']} to {found['shore']} as {device}"
    if found["last_ack_ms"] is not None:
        text += f", last answer {_age(now_s - found['last_ack_ms'] / 1e3)} ago"
    return text + (f"\n{'':<12}{found['link_error']}" if found["link_error"] else "")


def _carrier(carrier: Mapping[str, Any]) -> str:
    text = f"{carrier['name']}: {carrier['state']}"
    if carrier["error"]:
        text += f" ({carrier['error']})"
    for name, amounts in carrier["budgets"].items():
        text += f"; {_budget(name, amounts)}"
    return text + (f"; held back by {carrier['held']}" if carrier["held"] else "")


def _budget(name: str, amounts: Mapping[str, float]) -> str:
    if "left" in amounts:
        return f"{amounts['left']:g} {name} left"
    used, most = amounts["used"], amounts["of"]
    if name.endswith("bytes"):
        return f"{used / 1e6:.2f} of {most / 1e6:g} MB in 24 h"
    return f"{used:.0f} of {most:g} {name} in 24 h"


def _release(found: Mapping[str, Any]) -> str:
    if found["release"] is None:
        return "none can be used: objects are measured and not classified"
    return f"{found['release'][:12]} from slot {found['active_slot']}, on {found['runtime']}"


def _deployment(found: Mapping[str, Any]) -> str:
    if found["state"] == "idle":
        return "none yet"
    text = f"{found['deploy_seq']}: {found['release'][:12]} {found['state']}"
    return text + (f" ({found['reason']})" if found["reason"] else "")


def _milliseconds(found: Mapping[str, Any]) -> str:
    ms = found["ms_per_frame"]
    return "no frame yet in this run" if ms is None else f"{ms:.0f} ms a frame (median)"


def _energy(found: Mapping[str, Any]) -> str:
    energy = found["energy"]
    if not energy:
        return "no frame yet in this run"
    return (
        f"{energy['marginal_j']:.3g} J a frame above idle, {energy['board_j']:.3g} J with the"
        f" whole board (from {energy['basis']} figures)"
    )


def _age(seconds: float) -> str:
    for size, name in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {name}"
    return f"{max(0.0, seconds):.0f} s"
