"""Images in class folders, in a folder or a zip that is read in place: how a set is handed over.

The class of an image is the folder it lies in. Folders above all images are no classes
(`labelled/Copepoda/a.png`, `labelled/Detritus/b.png`: the classes are Copepoda and Detritus); where
classes are nested, a class is the rest of its path. Other files, what a Mac leaves (`__MACOSX`,
`.DS_Store`) and images beside the class folders are left alone, and counted by reason.

Example:
    >>> with open_labelled(Path("zooscan.zip")) as images:
    ...     images.classes, images.read(images.names[0])
"""

from __future__ import annotations

import os
import stat
import zipfile
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Self

from models.decode import MAX_BYTES, SUFFIXES, UnreadableError, is_picture, natural

MAX_CLASS_NAME = 200


class ImageSetError(ValueError):
    """There are no labelled images to be had; the message names the path and what was expected."""


class LabelledImages:
    """The images of a set, in the order a person expects; `labels[i]` is the class of `names[i]`.

    `ignored` counts what was left alone, by reason.
    """

    def __init__(self, path: Path, every: Sequence[str], archive: zipfile.ZipFile | None) -> None:
        self.path = path
        self._archive = archive
        found, self.ignored = classes_of(every)
        self.names: list[str] = []
        self.labels: list[str] = []
        for name, label in found.items():
            if not label:
                self.ignored["images outside a class folder"] += 1
            elif len(label) > MAX_CLASS_NAME:
                self.ignored[f"class names above {MAX_CLASS_NAME} characters"] += 1
            else:
                self.names.append(name)
                self.labels.append(label)

    @property
    def classes(self) -> dict[str, int]:
        """Class -> images, by name."""
        return dict(sorted(Counter(self.labels).items()))

    def read(self, name: str) -> bytes:
        """The bytes of an image. Raises UnreadableError with one sentence."""
        read = _member_reader(self._archive) if self._archive else _file_reader(self.path)
        try:
            return read(name)
        except UnreadableError:
            raise
        except Exception as error:  # zip members fail in as many ways as there are methods
            what = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise UnreadableError(f"cannot be read: {what}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._archive is not None:
            self._archive.close()


def classes_of(every: Sequence[str]) -> tuple[dict[str, str], Counter[str]]:
    """The pictures among these names, in the order a person expects, each with its class ("" for
    one beside the class folders); and how many others were left alone, by reason."""
    ignored: Counter[str] = Counter()
    pictures = sorted((name for name in every if _is_ours(name, ignored)), key=natural)
    parents = {name: PurePosixPath(name).parent.parts for name in pictures}
    shared = _shared(list(parents.values()))
    if len(set(parents.values())) == 1:
        shared = shared[:-1]  # one class alone is still a class: its message can name it
    return {name: "/".join(parts[len(shared) :]) for name, parts in parents.items()}, ignored


def _is_ours(name: str, ignored: Counter[str]) -> bool:
    parts = PurePosixPath(name).parts
    if "__MACOSX" in parts or any(part.startswith(".") for part in parts):
        ignored["hidden files and what a Mac leaves"] += 1
        return False
    if not is_picture(name):
        ignored[f"files that are no pictures ({' '.join(SUFFIXES)})"] += 1
        return False
    return True


def open_labelled(path: Path) -> LabelledImages:
    """A folder or a zip of class folders. Raises ImageSetError if there is no image in any."""
    archive: zipfile.ZipFile | None = None
    if path.is_dir():
        every = [
            (Path(folder) / name).relative_to(path).as_posix()
            for folder, _, names in os.walk(path)
            for name in names
        ]
    elif not path.exists():
        raise ImageSetError(f"{path}: no such folder or zip")
    else:
        archive = _open_zip(path)
        every = [member.filename for member in archive.infolist() if not member.is_dir()]
    images = LabelledImages(path, every, archive)
    if not images.names:
        left = ", ".join(f"{n} {reason}" for reason, n in images.ignored.items()) or "it is empty"
        raise ImageSetError(f"{path}: no image in a class folder (CLASS/image.png); {left}")
    return images


def _open_zip(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except zipfile.BadZipFile as error:
        raise ImageSetError(f"{path}: neither a folder nor a zip of class folders") from error
    except OSError as error:
        raise ImageSetError(f"{path}: {error.strerror or error}") from error


def _shared(parents: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """The folders that all of these begin with."""
    if not parents:
        return ()
    low, high = min(parents), max(parents)
    same = 0
    while same < min(len(low), len(high)) and low[same] == high[same]:
        same += 1
    return low[:same]


def _member_reader(archive: zipfile.ZipFile) -> Callable[[str], bytes]:
    def read(name: str) -> bytes:
        with archive.open(name) as member:
            return _at_most(member.read(MAX_BYTES + 1))

    return read


def _file_reader(folder: Path) -> Callable[[str], bytes]:
    def read(name: str) -> bytes:
        path = folder / name
        if not stat.S_ISREG(path.stat().st_mode):
            raise UnreadableError("not a regular file")
        with path.open("rb") as file:
            return _at_most(file.read(MAX_BYTES + 1))

    return read


def _at_most(data: bytes) -> bytes:
    if len(data) > MAX_BYTES:
        raise UnreadableError(f"more than {MAX_BYTES} bytes")
    return data
