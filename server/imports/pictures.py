"""A folder or zip of pictures, one object in each, as an upload of EcoTaxa's form.

Where pictures lie in two folders or more, a folder is a class (`Copepoda/a.png`) unless it is said
otherwise, and its objects are validated as that class; pictures beside the class folders, and
those of a single folder, have none. Measures are the product's own.

Example:
    >>> upload = pictures_upload(files, problems, title="spc", folders="classes")
    >>> upload.names[0]
    'spc/ecotaxa_spc.tsv'
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import PurePosixPath

from models.decode import UnreadableError, decode, is_picture
from models.labelled import classes_of
from models.measures import MEASURES_VERSION
from server.ecotaxa.problems import Problems
from server.ecotaxa.upload import Upload, UploadError
from server.imports.made import NOTHING_SAME, Made, Same
from server.imports.measured import UInt8, measured
from wire.ecotaxa import TEXT_LIMIT

_AT_ONCE = 256


def has_pictures(files: Upload) -> bool:
    return any(map(is_picture, files.names))


def pictures_upload(
    files: Upload,
    problems: Problems,
    *,
    title: str,
    folders: str,
    same: Same = NOTHING_SAME,
) -> Upload:
    """`folders`: what they stand for, one of `sources.FOLDERS`; `same`: what all objects have."""
    made = Made(problems)
    found, ignored = classes_of(files.names)
    several = len(set(found.values())) > 1
    for reason, count in ignored.items():
        problems.warn(f"passed over: {count} {reason}", remedy="nothing", file=title)
    ids = _ids(list(found))
    for some in _batches(list(found)):
        for name, values in zip(some, _measures(files, some, problems), strict=True):
            label = found[name] if several else ""
            texts = _texts(title, ids[name], name, label, folders)
            made.row(title, {**texts, **same.texts}, {**values, **same.numbers})
            made.picture(f"{title}/{name}", partial(files.read, name))
    return made.upload()


def _batches(names: Sequence[str]) -> Iterator[list[str]]:
    left = iter(names)
    while some := list(islice(left, _AT_ONCE)):
        yield some


def _ids(names: Sequence[str]) -> dict[str, str]:
    """Each picture's object: its name without its end; with its folders where that is not alone."""
    stems = Counter(PurePosixPath(name).stem for name in names)
    ids = {}
    for name in names:
        path = PurePosixPath(name)
        alone = stems[path.stem] == 1 and len(path.stem) <= TEXT_LIMIT
        ids[name] = path.stem if alone else name.replace("/", "-")
    return ids


def _texts(title: str, objid: str, name: str, label: str, folders: str) -> dict[str, str]:
    sample = label.replace("/", "-") if folders == "samples" and label else title
    texts = {
        "object_id": objid,
        "img_file_name": name,
        "sample_id": sample,
        "acq_id": sample,
        "process_id": sample,
        "process_measures_version": str(MEASURES_VERSION),
    }
    if folders == "classes" and label:
        texts["object_annotation_category"] = PurePosixPath(label).name
        texts["object_annotation_hierarchy"] = label.replace("/", ">")
        texts["object_annotation_status"] = "validated"
    return texts


def _measures(files: Upload, names: Sequence[str], problems: Problems) -> list[dict[str, float]]:
    greys: list[UInt8 | None] = [_grey(files, name, problems) for name in names]
    rows = iter(measured([grey for grey in greys if grey is not None]))
    found = []
    for name, grey in zip(names, greys, strict=True):
        values = None if grey is None else next(rows)
        if grey is not None and values is None:
            problems.warn("shows nothing: without measures", remedy="nothing", file=name)
        found.append(values or {})
    return found


def _grey(files: Upload, name: str, problems: Problems) -> UInt8 | None:
    """None for what cannot be measured; whether it is a picture at all is asked of it later."""
    try:
        return decode(files.read(name))
    except (UploadError, UnreadableError) as error:
        problems.warn(
            f"without measures: {error}",
            remedy="save it again as an 8-bit PNG if it is to be measured", file=name,
        )  # fmt: skip
        return None
