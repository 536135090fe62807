"""Bins of an Imaging FlowCytobot as an upload of EcoTaxa's form: a sample, acquisition and process
for each bin, an object for each image, with the trigger's columns and the product's measures.

Example:
    >>> upload = bins_upload(files, problems)
    >>> upload.names[0]
    'D20130526T095207_IFCB013/ecotaxa_D20130526T095207_IFCB013.tsv'
"""

import datetime as dt
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import PurePosixPath

from models.measures import MEASURES_VERSION
from server.ecotaxa.problems import Problems
from server.ecotaxa.upload import Upload, UploadError
from server.imports.ifcb import Bin, BinImage, is_bin, read_bin
from server.imports.made import Made
from server.imports.measured import measured
from wire.ecotaxa import FIXED

ENDS = (".hdr", ".adc", ".roi")
_AT_ONCE = 256
_FORMAT = "ADCFileFormat"  # what the columns are: the table says it itself


@dataclass(frozen=True)
class _Files:
    """A bin's three files by their names in the upload."""

    name: str
    hdr: str
    adc: str
    roi: str


def has_bins(upload: Upload) -> bool:
    return any(name.endswith(".adc") and is_bin(PurePosixPath(name).stem) for name in upload.names)


def bins_upload(files: Upload, problems: Problems) -> Upload:
    """What is wrong with any bin is a problem; the others are there all the same."""
    made = Made(problems)
    read_roi = lru_cache(2)(files.read)
    for one in _bins(files, problems):
        try:
            hdr, adc, roi = (read_roi(name) for name in (one.hdr, one.adc, one.roi))
        except UploadError as error:
            problems.error(str(error), remedy="pack it again", file=one.adc)
            continue
        found = read_bin(one.name, hdr, adc, roi, problems, file=one.adc)
        if found is not None:
            _add(made, found, one, roi, partial(_png, read_roi, one.roi), problems)
    return made.upload()


def _bins(files: Upload, problems: Problems) -> Iterator[_Files]:
    """Bins that are whole, each once; a copy with the same bytes is passed over."""
    seen: dict[str, _Files] = {}
    stems = dict.fromkeys(name[:-4] for name in files.names if name.endswith(ENDS))
    for stem in stems:
        name = PurePosixPath(stem).name
        one = _Files(name, *(stem + end for end in ENDS))
        missing = [end for end in ENDS if stem + end not in files]
        if not is_bin(name):
            remedy = "nothing, if it is none; else give it the instrument's name"
            problems.warn("not a bin by its name: passed over", remedy=remedy, file=stem)
        elif missing:
            remedy = "put the three files of a bin beside each other"
            problems.error(f"without its {' and '.join(missing)}", remedy=remedy, file=stem)
        elif name in seen and _same(files, seen[name], one):
            remedy = "nothing: the two are equal"
            problems.warn(f"{seen[name].adc} again: passed over", remedy=remedy, file=one.adc)
        elif name in seen:
            remedy = "hand in the right one alone"
            message = f"the bin is in {seen[name].adc} too, with other bytes"
            problems.error(message, remedy=remedy, file=one.adc)
        else:
            seen[name] = one
            yield one


def _same(files: Upload, one: _Files, other: _Files) -> bool:
    try:
        pairs = ((one.hdr, other.hdr), (one.adc, other.adc), (one.roi, other.roi))
        return all(files.read(a) == files.read(b) for a, b in pairs)
    except UploadError:
        return False


def _add(
    made: Made,
    found: Bin,
    files: _Files,
    roi: bytes,
    png: Callable[[BinImage], bytes],
    problems: Problems,
) -> None:
    if not found.images:
        remedy = "nothing: there is no object in it"
        problems.warn("a bin without an image", remedy=remedy, file=files.adc)
    above = _above(found)
    for start in range(0, len(found.images), _AT_ONCE):
        some = found.images[start : start + _AT_ONCE]
        for image, values in zip(some, measured([i.pixels(roi) for i in some]), strict=True):
            name = f"{found.name}_{image.number:05}"
            if values is None:
                problems.warn(
                    "an image that shows nothing: without measures",
                    remedy="nothing", file=files.adc, line=image.number,
                )  # fmt: skip
            numbers = {f"object_adc_{key}": value for key, value in image.values.items()}
            texts = above | _texts(found, image, name)
            made.row(found.name, texts, numbers | (values or {}))
            made.picture(f"{found.name}/{name}.png", partial(png, image))


def _png(read_roi: Callable[[str], bytes], roi: str, image: BinImage) -> bytes:
    import cv2

    done, data = cv2.imencode(".png", image.pixels(read_roi(roi)))
    assert done
    return data.tobytes()


def _texts(found: Bin, image: BinImage, name: str) -> dict[str, str]:
    after = image.values.get("adc_time", image.values.get("trigger_open_time", 0.0))
    moment = found.began + dt.timedelta(seconds=after)
    second = image.places[1].number if len(image.places) > 1 else None
    return {
        "object_id": name,
        "img_file_name": f"{name}.png",
        "object_date": f"{moment:%Y%m%d}",
        "object_time": f"{moment:%H%M%S}",
        "object_joined_with": "" if second is None else f"{found.name}_{second:05}",
    }


def _above(found: Bin) -> dict[str, str]:
    """What all of a bin's objects share."""
    told = {
        "ml_analyzed": found.ml_analyzed,
        "run_time_s": found.run_s,
        "look_time_s": found.look_s,
        "triggers": found.triggers,
    }
    fields = {f"acq_{_column(key)}": value for key, value in found.header.items() if key != _FORMAT}
    return {
        "sample_id": found.name,
        **{f"sample_{k}": f"{v:.6g}" for k, v in told.items() if v is not None},
        "acq_id": found.name,
        "acq_instrument": found.instrument,
        **{name: value for name, value in fields.items() if name not in FIXED and name != "acq_"},
        "process_id": found.name,
        "process_measures_version": str(MEASURES_VERSION),
    }


def _column(name: str) -> str:
    """
    >>> _column("Temp (C)")
    'temp_c'
    """
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
