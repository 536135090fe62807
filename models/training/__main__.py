"""One command from labelled images to a release: `python -m models.training --help`."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from models.bundle import Bundle, write_bundle
from models.training.classes import SPC_CLASSES, ClassMap

EPOCHS, SEED = 120, 1

_EXAMPLE = """example:
  python -m models.training --data ../shared/data/spc.zip --out build/spc.seadrift --minutes 25

The data is a zip whose folders are classes and whose names carry the time
(SPC-PLACE-<unix time>-...). A checkpoint is kept beside --out after every epoch; --resume goes on
from it. Needs the extra [train]: pip install 'seadrift[train]'."""


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m models.training",
        description="Train the sparse network, quantize it, and write a release.",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, required=True, help="zip of labelled vignettes")
    parser.add_argument("--out", type=Path, required=True, help="the release to write, *.seadrift")
    parser.add_argument("--classes", type=Path, default=SPC_CLASSES, help="class map (TOML)")
    parser.add_argument("--name", default="", help="the release's name (default: the file's)")
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--minutes", type=float, help="train for about that long")
    length.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint")
    options = parser.parse_args(arguments)
    try:
        return _run(options)
    except ImportError as error:
        print(f"models.training: {error}: pip install 'seadrift[train]'", file=sys.stderr)
    except (OSError, ValueError) as error:
        print(f"models.training: {error}", file=sys.stderr)
    return 2


def _run(options: argparse.Namespace) -> int:
    from models.training.dataset import counts, read_zip
    from models.training.release import make_release
    from models.training.train import TrainSettings, train

    start = time.monotonic()

    def progress(text: str) -> None:
        print(f"{time.monotonic() - start:7.0f} s  {text}", flush=True)

    settings = TrainSettings(epochs=options.epochs, seed=options.seed, threads=options.threads)
    class_map = ClassMap.load(options.classes)
    data = read_zip(options.data, class_map, progress)
    sizes = [len(part) for part in (data.train, data.validation, data.test)]
    progress(f"{len(data.taxa)} taxa; train, validation, held out: {sizes}; {counts(data.train)}")
    options.out.parent.mkdir(parents=True, exist_ok=True)
    checkpoint = options.out.with_suffix(".checkpoint")
    trained = train(
        data, settings, checkpoint, progress, minutes=options.minutes, resume=options.resume
    )
    chosen = {key: value for key, value in asdict(settings).items() if key != "network"}
    bundle = make_release(
        trained.network,
        data,
        name=options.name or options.out.stem,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        details={
            f"class map, version {class_map.version}": class_map.merged,
            "training": {**chosen, "epochs": trained.epochs},
        },
        progress=progress,
    )
    release_id = write_bundle(options.out, bundle)
    progress(f"wrote {options.out}: {len(bundle)} bytes, release {release_id}")
    test = Bundle.load(options.out).self_test("auto")
    verdict = "passed" if test.ok else test.reason
    progress(f"self-test: {verdict}, {test.ms_per_object:.2f} ms an object")
    return 0 if test.ok else 1


if __name__ == "__main__":
    sys.exit(main())
