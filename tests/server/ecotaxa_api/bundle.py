"""A zip as people hand it to EcoTaxa: pictures, and a table with a person and a taxon that nobody
knows."""

import io
import zipfile
from pathlib import Path

from tests.server.ecotaxa_api.png import png

COLUMNS = (
    ("img_file_name", "[t]"), ("img_rank", "[f]"), ("object_id", "[t]"), ("object_lat", "[f]"),
    ("object_lon", "[f]"), ("object_date", "[t]"), ("object_time", "[t]"),
    ("object_depth_min", "[f]"), ("object_depth_max", "[f]"),
    ("object_annotation_status", "[t]"), ("object_annotation_person_name", "[t]"),
    ("object_annotation_category", "[t]"), ("object_area", "[f]"), ("object_shape", "[t]"),
    ("sample_id", "[t]"), ("sample_ship", "[t]"), ("acq_id", "[t]"), ("acq_instrument", "[t]"),
    ("process_id", "[t]"), ("process_software", "[t]"),
)  # fmt: skip
PERSON, TAXON = "Joan Nobody", "Unheardofia"


def write_zip(path: Path, objects: int = 12) -> Path:
    """Every third object is validated, by PERSON, as TAXON."""
    lines = ["\t".join(name for name, _ in COLUMNS), "\t".join(kind for _, kind in COLUMNS)]
    with zipfile.ZipFile(path, "w") as archive:
        for n in range(objects):
            archive.writestr(f"img_{n}.png", png(8 + n, 6))
            said = ("validated", PERSON, TAXON) if n % 3 == 0 else ("", "", "")
            values = (
                f"img_{n}.png", "0", f"obj_{n}", "43.5", "7.25", "20240501", f"1200{n:02d}",
                str(n * 10), str(n * 10 + 5), *said, str(100 + n), "round", f"cast_{n % 2}",
                "Tara", f"acq_{n % 2}", "uvp6", f"proc_{n % 2}", "zooprocess",
            )  # fmt: skip
            lines.append("\t".join(values))
        archive.writestr("ecotaxa_casts.tsv", "\n".join(lines) + "\n")
    return path


def table_of(backup: bytes) -> list[dict[str, str]]:
    """The rows of all tables of an exported zip, without the row of types."""
    rows = []
    with zipfile.ZipFile(io.BytesIO(backup)) as archive:
        for name in archive.namelist():
            if name.endswith(".tsv"):
                head, *body = archive.read(name).decode("utf-8-sig").splitlines()
                names = head.split("\t")
                rows += [dict(zip(names, line.split("\t"), strict=True)) for line in body]
    return [row for row in rows if not row["object_id"].startswith("[")]
