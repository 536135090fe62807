"""A zip or a folder that a person hands in: its files by name, read within bounds, nothing trusted.

Nothing is unpacked to disk. Names that climb out of the archive, links, encrypted or repeated
members and bombs are problems; the rest is read all the same, so that they come at once.

Example:
    >>> with open_upload(Path("export.zip"), problems) as upload:
    ...     [name for name in upload.names if is_table(name)]
    ['s1/ecotaxa_s1.tsv']
"""

import io
import re
import stat
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from server.ecotaxa.problems import Problems

MEMBERS_MOST = 2_000_000
MEMBER_MOST = 2 << 30
"""Largest file inside, in bytes."""
RATIO_MOST = 200
"""A member that unpacks to more than this times its packed size is no table and no picture."""
RATIO_FROM = 1 << 20
"""Smaller members may pack as well as they like."""
NESTED_MOST = 200
_TABLE = re.compile(r"ecotaxa[^/]*\.(tsv|txt)")
_MIXED = re.compile(r"ecotaxa[^/]*\.(tsv|txt)", re.IGNORECASE)
_NESTED = re.compile(r".*Images\.zip")


class UploadError(ValueError):
    """The upload cannot be opened at all; the message says why."""


@dataclass(frozen=True)
class Upload:
    """`names` in the archive's order, with "/" between folders; a member of a nested UVP6 zip is
    named `outer.zip/inner`."""

    names: tuple[str, ...]
    _readers: dict[str, Callable[[], bytes]]

    def __contains__(self, name: str) -> bool:
        return name in self._readers

    def read(self, name: str) -> bytes:
        """The file's bytes. Raises UploadError for one that is damaged."""
        try:
            return self._readers[name]()
        except (OSError, zipfile.BadZipFile, EOFError, RuntimeError, ValueError) as error:
            raise UploadError(f"{name}: cannot be read: {error}") from error
        except Exception as error:  # zlib.error and its kin have no common parent
            raise UploadError(f"{name}: damaged: {error}") from error


def is_table(name: str) -> bool:
    """Whether EcoTaxa would take the file for a table."""
    return _TABLE.fullmatch(PurePosixPath(name).name) is not None


def is_misnamed_table(name: str) -> bool:
    """Whether a person meant it as one: EcoTaxa looks for lower case only."""
    last = PurePosixPath(name).name
    return _TABLE.fullmatch(last) is None and _MIXED.fullmatch(last) is not None


@contextmanager
def open_upload(path: Path, problems: Problems) -> Iterator[Upload]:
    """The upload at `path`. Raises UploadError when it is neither a folder nor a zip."""
    if path.is_dir():
        yield _folder(path, problems)
        return
    try:
        archive = zipfile.ZipFile(path)
    except FileNotFoundError as error:
        raise UploadError(f"{path}: no such file or folder") from error
    except (OSError, zipfile.BadZipFile, ValueError) as error:
        raise UploadError(f"{path}: not a zip that can be read: {error}") from error
    with archive:
        readers: dict[str, Callable[[], bytes]] = {}
        nested: list[zipfile.ZipFile] = []
        try:
            _members(archive, "", readers, problems)
            _open_nested(readers, nested, problems)
            yield Upload(tuple(readers), readers)
        finally:
            for inner in nested:
                inner.close()


def _folder(path: Path, problems: Problems) -> Upload:
    readers: dict[str, Callable[[], bytes]] = {}
    for file in sorted(path.rglob("*")):
        name = file.relative_to(path).as_posix()
        if file.is_symlink():
            remedy = "put the file itself there"
            problems.error("a link, which may point anywhere", remedy=remedy, file=name)
        elif file.is_file():
            readers[name] = file.read_bytes
    return Upload(tuple(readers), readers)


def _open_nested(
    readers: dict[str, Callable[[], bytes]], opened: list[zipfile.ZipFile], problems: Problems
) -> None:
    """UVP6 hands in one zip of images and table per sample inside the zip."""
    for name in [name for name in readers if _NESTED.fullmatch(name)]:
        if len(opened) >= NESTED_MOST:
            remedy = "hand the samples in as several zips"
            problems.error(f"more than {NESTED_MOST} zips inside", remedy=remedy, file=name)
            return
        try:
            inner = zipfile.ZipFile(io.BytesIO(readers.pop(name)()))
        except (OSError, zipfile.BadZipFile, ValueError, RuntimeError) as error:
            remedy = "pack it again"
            problems.error(f"not a zip that can be read: {error}", remedy=remedy, file=name)
            continue
        opened.append(inner)
        _members(inner, f"{name}/", readers, problems)


def _members(
    archive: zipfile.ZipFile,
    prefix: str,
    readers: dict[str, Callable[[], bytes]],
    problems: Problems,
) -> None:
    infos = archive.infolist()
    if len(infos) > MEMBERS_MOST:
        raise UploadError(f"more than {MEMBERS_MOST} files in one zip: hand it in in parts")
    for info in infos:
        if info.is_dir():
            continue
        name = prefix + info.filename
        wrong = _why_not(info) or ("there twice" if name in readers else "")
        if wrong:
            problems.error(wrong, remedy="pack the zip again without it", file=name)
        else:
            readers[name] = _reader(archive, info)


def _reader(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Callable[[], bytes]:
    def read() -> bytes:
        with archive.open(info) as stream:
            data = stream.read(info.file_size + 1)
        if len(data) != info.file_size:
            raise zipfile.BadZipFile(f"expected {info.file_size} bytes, found others")
        return data

    return read


def _why_not(info: zipfile.ZipInfo) -> str:
    """Why a member is not read, or nothing."""
    name = info.filename
    path = PurePosixPath(name)
    size, tight = info.file_size, RATIO_MOST * max(1, info.compress_size)
    outside = path.is_absolute() or ".." in path.parts or "\\" in name
    reasons = (
        ("a name that points out of the zip", outside or "\0" in info.orig_filename),
        ("control characters in the name", any(ord(letter) < 32 for letter in name)),
        ("a link, which may point anywhere", stat.S_ISLNK(info.external_attr >> 16)),
        ("encrypted", bool(info.flag_bits & 0x1)),
        (f"{size} bytes, more than {MEMBER_MOST}", size > MEMBER_MOST),
        (
            "packed so tightly that it looks like a bomb",
            size > max(RATIO_FROM, tight),
        ),
    )
    return next((reason for reason, holds in reasons if holds), "")
