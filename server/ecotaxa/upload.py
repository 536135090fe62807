"""A zip or a folder that a person hands in: its files by name, read within bounds, nothing trusted.

Nothing is unpacked to disk. Names that climb out of the archive, links, encrypted or repeated
members and bombs are problems; the rest is read all the same, so that they come at once.

Example:
    >>> with open_upload(Path("export.zip"), problems) as upload:
    ...     [name for name in upload.names if is_table(name)]
    ['s1/ecotaxa_s1.tsv']
"""

import os
import re
import stat
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from server.ecotaxa.archive import Archive
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
    return _TABLE.fullmatch(name.rpartition("/")[2]) is not None


def is_misnamed_table(name: str) -> bool:
    """Whether a person meant it as one: EcoTaxa looks for lower case only."""
    last = name.rpartition("/")[2]
    return _TABLE.fullmatch(last) is None and _MIXED.fullmatch(last) is not None


@contextmanager
def open_upload(path: Path, problems: Problems) -> Iterator[Upload]:
    """The upload at `path`. Raises UploadError when it is neither a folder nor a zip."""
    if path.is_dir():
        yield _folder(path, problems)
        return
    with ExitStack() as stack:
        try:
            archive = stack.enter_context(Archive.open(path))
        except FileNotFoundError as error:
            raise UploadError(f"{path}: no such file or folder") from error
        except (OSError, zipfile.BadZipFile, ValueError) as error:
            raise UploadError(f"{path}: not a zip that can be read: {error}") from error
        readers: dict[str, Callable[[], bytes]] = {}
        opened: list[Any] = []
        stack.callback(lambda: [one.close() for one in opened])
        nested = _members(archive, "", readers, problems)
        for name, info in nested:
            _open_nested(archive, name, info, readers, opened, problems)
        yield Upload(tuple(readers), readers)


def _folder(path: Path, problems: Problems) -> Upload:
    readers: dict[str, Callable[[], bytes]] = {}
    for file in sorted(path.rglob("*")):
        name = file.relative_to(path).as_posix()
        if file.is_symlink():
            remedy = "put the file itself there"
            problems.error("a link, which may point anywhere", remedy=remedy, file=name)
        elif file.is_file():
            size = file.stat().st_size
            if size > MEMBER_MOST:
                remedy = "hand it in in parts"
                problems.error(_too_long(size), remedy=remedy, file=name)
            else:
                readers[name] = partial(_read_file, file)
    return Upload(tuple(readers), readers)


def _read_file(file: Path) -> bytes:
    """What is no link: it may have become one since it was found."""
    handle = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as stream:
        return stream.read(MEMBER_MOST)


def _open_nested(
    archive: Archive,
    name: str,
    info: zipfile.ZipInfo,
    readers: dict[str, Callable[[], bytes]],
    opened: list[Any],
    problems: Problems,
) -> None:
    """UVP6 hands in one zip of images and table per sample inside the zip."""
    if len(opened) >= NESTED_MOST:
        remedy = "hand the samples in as several zips"
        problems.error(f"more than {NESTED_MOST} zips inside", remedy=remedy, file=name)
        return
    try:
        inner = archive.inside(info, opened)
    except Exception as error:  # zlib.error and its kin have no common parent
        remedy = "pack it again"
        problems.error(f"not a zip that can be read: {error}", remedy=remedy, file=name)
        return
    for deeper, _ in _members(inner, f"{name}/", readers, problems):
        problems.error("a zip in a zip in a zip", remedy="unpack one of them", file=deeper)


def _members(
    archive: Archive,
    prefix: str,
    readers: dict[str, Callable[[], bytes]],
    problems: Problems,
) -> list[tuple[str, zipfile.ZipInfo]]:
    """Make readers of an archive's members; those that are zips of UVP6's are returned."""
    infos = archive.members()
    if len(infos) > MEMBERS_MOST:
        raise UploadError(f"more than {MEMBERS_MOST} files in one zip: hand it in in parts")
    if archive.overlaps():
        remedy = "pack it again with another program"
        problems.error(
            "members that share bytes, as in a bomb", remedy=remedy, file=prefix or "zip"
        )
        return []
    nested = []
    for info in infos:
        if info.is_dir():
            continue
        name = prefix + info.filename
        wrong = _why_not(info) or ("there twice" if name in readers else "")
        if wrong:
            problems.error(wrong, remedy="pack the zip again without it", file=name)
        elif _NESTED.fullmatch(name):
            nested.append((name, info))
        else:
            readers[name] = partial(archive.read, info)
    return nested


def _too_long(size: int) -> str:
    return f"{size} bytes, more than {MEMBER_MOST}"


def _why_not(info: zipfile.ZipInfo) -> str:
    """Why a member is not read, or nothing."""
    name = info.filename
    size, tight = info.file_size, RATIO_MOST * max(1, info.compress_size)
    outside = name.startswith("/") or ".." in name.split("/") or "\\" in name
    reasons = (
        ("a name that points out of the zip", outside or "\0" in info.orig_filename),
        ("control characters in the name", any(ord(letter) < 32 for letter in name)),
        ("a link, which may point anywhere", stat.S_ISLNK(info.external_attr >> 16)),
        ("encrypted", bool(info.flag_bits & 0x1)),
        (_too_long(size), size > MEMBER_MOST),
        (
            "packed so tightly that it looks like a bomb",
            size > max(RATIO_FROM, tight),
        ),
    )
    return next((reason for reason, holds in reasons if holds), "")
