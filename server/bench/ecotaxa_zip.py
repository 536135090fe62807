"""A made-up zip of EcoTaxa's form, the same for the same numbers: what imports are measured with.

Twenty thousand objects with one PNG of 80 x 80 pixels each (about 4 kB), fifty numeric columns and
ten samples make 90 MB, of which 30 % are validated and the rest predicted.

Example:
    $ python -m server.bench.ecotaxa_zip bench.zip --objects 20000
    bench.zip: 20000 objects, 90 MB
"""

import argparse
import datetime as dt
import struct
import sys
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

TAXA = ("Copepoda", "Appendicularia", "Chaetognatha", "detritus", "fiber", "Noctiluca")
PERSON, EMAIL = "Bench Person", "bench@sea.test"
SIDE, COLUMNS, SAMPLES, VALIDATED = 80, 50, 10, 0.3
_KINDS = 64
"""Different pictures; each object's own differs from them in a text chunk."""
_HEAD = (
    *("img_file_name", "img_rank", "object_id", "object_lat", "object_lon", "object_date"),
    *("object_time", "object_depth_min", "object_depth_max", "object_annotation_status"),
    *("object_annotation_category", "object_annotation_person_name"),
    *("object_annotation_person_email", "object_annotation_date", "object_annotation_time"),
    *("sample_id", "sample_ship", "acq_id", "acq_instrument", "process_id", "process_software"),
)
_NUMBERS = frozenset(
    ("img_rank", *(f"object_{name}" for name in ("lat", "lon", "depth_min", "depth_max")))
)


def write_zip(path: Path, objects: int, columns: int = COLUMNS, seed: int = 1) -> int:
    """Write the zip; how many bytes it has."""
    numbers = np.random.default_rng(seed)
    pictures = [_picture(numbers) for _ in range(_KINDS)]
    with zipfile.ZipFile(path, "w") as archive:
        for sample in range(SAMPLES):
            some = range(sample * objects // SAMPLES, (sample + 1) * objects // SAMPLES)
            rows = [_row(numbers, sample, number, columns) for number in some]
            table = "\n".join("\t".join(part) for part in (*_head(columns), *rows))
            member = zipfile.ZipInfo(f"s{sample}/ecotaxa_s{sample}.tsv", (1980, 1, 1, 0, 0, 0))
            archive.writestr(member, table + "\n", zipfile.ZIP_DEFLATED)
            for number in some:
                own = _own(pictures[number % _KINDS], number)
                archive.writestr(zipfile.ZipInfo(f"s{sample}/img_{number}.png"), own)
    return path.stat().st_size


def _head(columns: int) -> tuple[list[str], list[str]]:
    free = [f"object_feature{n}" for n in range(columns)]
    kinds = ["[f]" if name in _NUMBERS else "[t]" for name in _HEAD]
    return [*_HEAD, *free], [*kinds, *("[f]" for _ in free)]


def _row(numbers: np.random.Generator, sample: int, number: int, columns: int) -> list[str]:
    moment = dt.datetime(2026, 1, 1, tzinfo=dt.UTC) + dt.timedelta(seconds=number)
    validated = number % 10 < 10 * VALIDATED
    person = (PERSON, EMAIL, "20260301", "101500") if validated else ("", "", "", "")
    return [
        *(f"img_{number}.png", "0", f"object_{number}"),
        *(f"{43 + sample / 100:.4f}", f"{7 + number % 100 / 1000:.4f}"),
        *(f"{moment:%Y%m%d}", f"{moment:%H%M%S}", f"{number % 200}.5", f"{number % 200 + 1}.5"),
        *("validated" if validated else "predicted", TAXA[number % len(TAXA)], *person),
        *(f"sample{sample}", "Tara", f"acq{sample}", "simulated", f"process{sample}", "bench 1"),
        *(f"{value:.6g}" for value in numbers.lognormal(3, 1, columns).tolist()),
    ]


def _picture(numbers: np.random.Generator) -> bytes:
    """A PNG of a grey blob with noise, which packs to about 4 kB."""
    y, x = np.mgrid[:SIDE, :SIDE] - SIDE / 2
    grey = 220 - 150 * np.exp(-(x**2 + 2 * y**2) / 300) + numbers.normal(0, 3, (SIDE, SIDE))
    rows = np.clip(grey, 0, 255).astype(np.uint8)
    data = b"".join(b"\0" + row.tobytes() for row in rows)
    head = struct.pack(">IIBBBBB", SIDE, SIDE, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", zlib.compress(data, 6))


def _own(picture: bytes, number: int) -> bytes:
    return picture + _chunk(b"tEXt", b"Title\0object %d" % number) + _chunk(b"IEND", b"")


def _chunk(name: bytes, content: bytes) -> bytes:
    crc = zlib.crc32(name + content)
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", crc)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m server.bench.ecotaxa_zip",
        description="Write a made-up zip of EcoTaxa's form, to measure imports with.",
        epilog="example: python -m server.bench.ecotaxa_zip bench.zip --objects 20000",
    )
    parser.add_argument("path", type=Path)
    parser.add_argument("--objects", type=int, default=20_000)
    parser.add_argument("--columns", type=int, default=COLUMNS)
    args = parser.parse_args(argv)
    size = write_zip(args.path, args.objects, args.columns)
    print(f"{args.path}: {args.objects} objects, {size / 1e6:.0f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
