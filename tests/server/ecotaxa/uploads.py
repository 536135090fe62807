"""Uploads that tests hand in: tables of a few rows with pictures, in zips."""

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image

HEAD = {
    "img_file_name": "t", "img_rank": "f", "object_id": "t", "object_lat": "f", "object_lon": "f",
    "object_date": "t", "object_time": "t", "object_depth_min": "f", "object_depth_max": "f",
    "object_link": "t", "object_area": "f", "object_note": "t",
    "object_annotation_status": "t", "object_annotation_category": "t",
    "object_annotation_person_name": "t", "object_annotation_person_email": "t",
    "object_annotation_date": "t", "object_annotation_time": "t",
    "sample_id": "t", "sample_ship": "t", "acq_id": "t", "acq_instrument": "t", "acq_px": "t",
    "process_id": "t", "process_soft": "t",
}  # fmt: skip
GOOD = {
    "img_file_name": "a.png", "img_rank": "0", "object_id": "o1", "object_lat": "43.5",
    "object_lon": "7.25", "object_date": "20260102", "object_time": "102030",
    "object_depth_min": "5", "object_depth_max": "10", "object_link": "http://sea.test/o1",
    "object_area": "12.5", "object_note": "fine",
    "object_annotation_status": "validated", "object_annotation_category": "Copepoda",
    "object_annotation_person_name": "Administrator",
    "object_annotation_person_email": "admin@sea.test",
    "object_annotation_date": "20260301", "object_annotation_time": "081500",
    "sample_id": "s1", "sample_ship": "Tara", "acq_id": "a1", "acq_instrument": "uvp6",
    "acq_px": "73", "process_id": "p1", "process_soft": "x 1",
}  # fmt: skip


def picture(seed: int = 0, format_: str = "PNG") -> bytes:
    """Another picture for each number."""
    grey = np.random.default_rng(seed).integers(0, 255, (7, 9), dtype=np.uint8)
    out = io.BytesIO()
    Image.fromarray(grey).save(out, format_)
    return out.getvalue()


def table(*rows: Mapping[str, str], head: Mapping[str, str] = HEAD) -> str:
    """A table whose rows are GOOD but for what is given."""
    lines = ["\t".join(head), "\t".join(f"[{kind}]" for kind in head.values())]
    lines += ["\t".join({**GOOD, **row}.get(name, "") for name in head) for row in rows]
    return "\n".join(lines) + "\n"


def zipped(path: Path, files: Mapping[str, bytes | str]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path
