"""A release with one flipped bit is refused by name, wherever the bit is, and the old one stays."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from edge.updates.state import FACTORY
from edge.updates.store import ReleaseStore
from models import factory
from models.bundle import BundleError

SAMPLES = 250


def members(data: bytes) -> list[tuple[int, int, str]]:
    """First and last byte of each member's content, and its name."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        infos = archive.infolist()
    ends = [info.header_offset for info in infos[1:]]
    ends.append(infos[-1].header_offset + 30 + len(infos[-1].filename) + infos[-1].file_size)
    return [
        (end - info.file_size, end, info.filename) for info, end in zip(infos, ends, strict=True)
    ]


@pytest.fixture
def store(tmp_path: Path) -> ReleaseStore:
    return ReleaseStore(tmp_path / "releases")


def flipped(data: bytes, at: int, bit: int) -> bytes:
    content = bytearray(data)
    content[at] ^= 1 << bit
    return bytes(content)


def test_bits_of_every_member_are_refused_by_its_name(store: ReleaseStore) -> None:
    data = factory.path().read_bytes()
    for first, end, name in members(data):
        step = max(1, (end - first) * 8 // SAMPLES)
        for at in (*range(first, end, step), end - 1):
            store.path("a").write_bytes(flipped(data, at, at % 8))
            with pytest.raises(BundleError, match=name):
                store.bundle("a")
    store.path("a").write_bytes(data)
    assert store.bundle("a").release_id == store.bundle(FACTORY).release_id


def test_bits_between_the_members_are_refused_too(store: ReleaseStore) -> None:
    data = factory.path().read_bytes()
    inside = [range(first, end) for first, end, _ in members(data)]
    between = [at for at in range(len(data)) if not any(at in span for span in inside)]
    for at in between[:: max(1, len(between) // SAMPLES)]:
        store.path("a").write_bytes(flipped(data, at, at % 8))
        with pytest.raises(BundleError, match="bundle"):
            store.bundle("a")
    assert store.bundle(FACTORY).classes  # what was there before still works
