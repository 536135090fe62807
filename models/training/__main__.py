"""One command from labelled images to a release: `python -m models.training --help`."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from models.bundle import Bundle, write_bundle
from models.class_map import SPC_CLASSES, ClassMap
from models.labelled import ImageSetError

EPOCHS, SEED = 60, 1
PRESETS = ("device", "shore")

_EXAMPLE = """examples:
  python -m models.training --data my-images.zip --out build/bay.seadrift --minutes 30
  python -m models.training --data ../shared/data/spc.zip --classes spc --out build/spc.seadrift

The data is a zip or a folder of class folders. Where the names tell the time (SPC-PLACE-<unix
time>-...), later images are held out, else a fifth of each class. The preset `device` is small
enough for an instrument; `shore` is ten times larger and can teach it: --teacher takes the
checkpoint of a shore network trained on the same data. A checkpoint is kept beside --out after
every epoch; --resume goes on from it. Needs the extra [train]: pip install 'seadrift[train]'."""


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        return _run(options)
    except ImportError as error:
        print(f"models.training: {error}: pip install 'seadrift[train]'", file=sys.stderr)
    except (OSError, ValueError, FloatingPointError) as error:
        print(f"models.training: {error}", file=sys.stderr)
    return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m models.training",
        description="Train the sparse network, quantize it, and write a release.",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--data", type=Path, required=True, help="zip or folder of class folders")
    add("--out", type=Path, required=True, help="the release to write, *.seadrift")
    add("--classes", help="class map: a TOML file, or `spc` for the shipped one (default: none)")
    add("--preset", choices=PRESETS, default="device")
    add("--teacher", type=Path, help="checkpoint of a larger network, trained on the same data")
    add("--start", type=Path, help="checkpoint of a like network to begin with, of any data")
    add("--name", default="", help="the release's name (default: the file's)")
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--minutes", type=float, help="train for about that long")
    length.add_argument("--epochs", type=int, default=EPOCHS)
    add("--quote", type=Path, help="results.json of `seadrift evaluate --table`, for the card")
    add("--seed", type=int, default=SEED, help="of the weights and the variants")
    add("--split-seed", type=int, default=0, help="draws what is held out, where times do not")
    add("--threads", type=int, default=1)
    add("--resume", action="store_true", help="go on from the checkpoint")
    return parser


def _run(options: argparse.Namespace) -> int:
    from models.training.dataset import counts, read_images
    from models.training.network import PRESETS as NETWORKS
    from models.training.release import make_release
    from models.training.train import TrainSettings, load_teacher, train

    start = time.monotonic()

    def progress(text: str) -> None:
        print(f"{time.monotonic() - start:7.0f} s  {text}", flush=True)

    settings = TrainSettings(
        epochs=options.epochs,
        seed=options.seed,
        threads=options.threads,
        network=NETWORKS[options.preset],
    )
    class_map = _class_map(options.classes)
    data = read_images(options.data, class_map, progress, options.split_seed)
    sizes = [len(part) for part in (data.train, data.validation, data.test)]
    if not data.test:
        raise ImageSetError(f"{options.data}: nothing can be held out, so nothing can be shown")
    progress(f"{len(data.taxa)} taxa; train, validation, held out: {sizes}; {counts(data.train)}")
    teacher = None if options.teacher is None else load_teacher(options.teacher, data.taxa)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    checkpoint = options.out.with_suffix(".checkpoint")
    trained = train(
        data,
        settings,
        checkpoint,
        progress,
        minutes=options.minutes,
        resume=options.resume,
        teacher=teacher,
        start=options.start,
    )
    chosen = {key: value for key, value in asdict(settings).items() if key != "network"}
    details = {"training": {**chosen, "epochs": trained.epochs, "preset": options.preset}}
    if options.start is not None:
        details["training"]["began with"] = options.start.name
    if teacher is not None:
        details["training"]["taught by"] = f"a network of widths {list(teacher.settings.widths)}"
    bundle = make_release(
        trained.network,
        data,
        name=options.name or options.out.stem,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        source=options.data.name,
        class_map=class_map,
        details=details,
        progress=progress,
        table=None if options.quote is None else json.loads(options.quote.read_text("utf-8")),
    )
    release_id = write_bundle(options.out, bundle)
    progress(f"wrote {options.out}: {len(bundle)} bytes, release {release_id}")
    test = Bundle.load(options.out).self_test("auto")
    verdict = "passed" if test.ok else test.reason
    progress(f"self-test: {verdict}, {test.ms_per_object:.2f} ms an object")
    return 0 if test.ok else 1


def _class_map(chosen: str | None) -> ClassMap | None:
    if chosen is None:
        return None
    return ClassMap.load(SPC_CLASSES if chosen == "spc" else Path(chosen))


if __name__ == "__main__":
    sys.exit(main())
