"""`seadrift evaluate --table`: who recognises what, on four labelled sets, with intervals.

Example:
    $ seadrift evaluate --table --data ../shared/data --minutes 30
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from models.archive import ArchiveError
from models.benchmark.sets import SETS, Labels
from models.bundle import Bundle, BundleError
from models.labelled import ImageSetError
from server.commands.common import USAGE, CommandError, answer, doing

_EPILOG = """\
examples:
  seadrift evaluate --table
  seadrift evaluate --table --only spc --network build/spc.seadrift --out build/table

Random forests on measures (ZP), on the network's features (SCN) and on both, the network alone,
and the head that a release ships, all on the same held-out images of each set: page, pictures and
results.json go to --out. DIR holds ndsb.zip, spc.zip, zooscan.zip and flowcam.zip. A set's network
is NETWORKS/<set>.seadrift, and NETWORKS/<set>-shore.seadrift if it is there; the first is trained
where it is missing, which takes --minutes each and needs the extra [train]. Measures and embeddings
are kept in --build. Needs the extras [server] and [bench].
"""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "evaluate",
        help="make the table of who recognises what",
        description="Compare random forests, networks and heads on labelled sets.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    data = Path(os.environ.get("SEADRIFT_DATA", "../shared/data"))
    add = parser.add_argument
    add("--table", action="store_true", help="make the table (there is nothing else yet to make)")
    add("--data", type=Path, metavar="DIR", default=data, help=f"the sets' zips (default: {data})")
    add("--only", choices=tuple(SETS), action="append", help="this set; may be given again")
    add("--out", type=Path, metavar="DIR", default=Path("docs/benchmarks"))
    build = Path("build/benchmark")
    add("--build", type=Path, metavar="DIR", default=build, help=f"what is kept ({build})")
    add("--networks", type=Path, metavar="DIR", help="the sets' releases (BUILD/networks)")
    add("--network", type=Path, metavar="FILE", help="this release's network for every set")
    add("--minutes", type=float, metavar="M", default=30.0, help="to train a missing network (30)")
    add("--json", action="store_true", help="print the results as JSON")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    wrong = _usage(args)
    if wrong:
        print(f"seadrift evaluate: {wrong}", file=sys.stderr)
        return USAGE
    return doing("evaluate", _table)(args)


def _usage(args: argparse.Namespace) -> str:
    """What is wrong with the command line, or nothing."""
    names = args.only or list(SETS)
    missing = [name for name in names if not (args.data / f"{name}.zip").is_file()]
    wrong = (
        (not args.table, "say what to make: --table"),
        (not args.minutes > 0, f"--minutes {args.minutes}: expected above 0"),
        (args.network and args.networks, "--network FILE or --networks DIR, not both"),
        (bool(missing), f"--data {args.data}: no {', '.join(f'{n}.zip' for n in missing)} in it"),
    )
    return next((text for is_wrong, text in wrong if is_wrong), "")


def _table(args: argparse.Namespace) -> int:
    from models.benchmark.table import Places, ResultsError, make_table

    start = time.monotonic()

    def progress(text: str) -> None:
        print(f"{time.monotonic() - start:7.0f} s  {text}", file=sys.stderr, flush=True)

    def networks(name: str, labels: Labels) -> dict[str, Bundle]:
        return _bundles(args, name, labels)

    names = list(dict.fromkeys(args.only or SETS))
    try:
        results = make_table(names, Places(args.data, args.build, args.out), networks, progress)
    except ImportError as error:
        raise CommandError(f"{error}: pip install 'seadrift[server,bench]'") from error
    except (ImageSetError, ArchiveError, BundleError, ResultsError) as error:
        raise CommandError(str(error)) from error
    except KeyboardInterrupt as error:
        raise CommandError("stopped; the sets that were done are written") from error
    return answer(args, results, _summary(results, names, args.out))


def _bundles(args: argparse.Namespace, name: str, labels: Labels) -> dict[str, Bundle]:
    """The set's networks; the device's is trained where it is missing."""
    if args.network is not None:
        return {"device": Bundle.load(args.network)}
    folder = args.networks or args.build / "networks"
    device, shore = folder / f"{name}.seadrift", folder / f"{name}-shore.seadrift"
    if not device.exists():
        _train(name, labels.path, device, args.minutes)
    found = {"device": Bundle.load(device)}
    if shore.exists():
        found["shore"] = Bundle.load(shore)
    return found


def _train(name: str, data: Path, out: Path, minutes: float) -> None:
    """In a process of its own: the shore runs without torch."""
    out.parent.mkdir(parents=True, exist_ok=True)
    words = [sys.executable, "-m", "models.training", "--data", str(data), "--out", str(out)]
    words += ["--minutes", str(minutes), "--name", name]
    if SETS[name].classes is not None:
        words += ["--classes", str(SETS[name].classes)]
    print(f"training {out}: {' '.join(words[1:])}", file=sys.stderr, flush=True)
    done = subprocess.run(words, stdout=sys.stderr, check=False)
    if done.returncode != 0 or not out.exists():
        raise CommandError(f"training the network of {name} failed (exit code {done.returncode})")


def _summary(results: dict[str, Any], names: list[str], out: Path) -> str:
    lines = [f"{out}/README.md; accuracy of the held-out objects:"]
    for name in names:
        facts = results["sets"][name]
        rows = "  ".join(
            f"{row['method']}{' (shore)' if row['network'] == 'shore' else ''} "
            f"{100 * row['figures']['accuracy'][0]:.1f}"
            for row in facts["rows"]
        )
        gain = 100 * facts["gain"]["device"]["difference"][0]
        lines.append(f"  {name:<8} {rows}  both over the better: {gain:+.1f}")
    return "\n".join(lines)
