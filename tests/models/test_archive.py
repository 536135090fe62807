"""The one form of an archive: what comes back is what went in, and nothing else is read."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.archive import ArchiveError, pack, pack_arrays, unpack, unpack_arrays

NAMES = st.from_regex(r"[a-z0-9_]{1,8}(\.[a-z]{1,3})?", fullmatch=True)


@given(st.dictionaries(NAMES, st.binary(max_size=200), max_size=6))
def test_what_goes_in_comes_out(members: dict[str, bytes]) -> None:
    assert unpack(pack(members)) == members
    assert pack(members) == pack(dict(reversed(members.items())))


@given(st.data())
def test_any_changed_bit_is_refused(data: st.DataObject) -> None:
    packed = bytearray(pack({"a.txt": b"some text", "b.npz": bytes(range(60))}))
    place = data.draw(st.integers(0, 8 * len(packed) - 1))
    packed[place // 8] ^= 1 << (place % 8)
    with pytest.raises(ArchiveError):
        unpack(bytes(packed))


@given(st.data())
def test_a_cut_or_lengthened_file_is_refused(data: st.DataObject) -> None:
    packed = pack({"a.txt": b"some text", "b.npz": bytes(range(60))})
    with pytest.raises(ArchiveError):
        unpack(packed[: data.draw(st.integers(0, len(packed) - 1))])
    with pytest.raises(ArchiveError):
        unpack(packed + data.draw(st.binary(min_size=1, max_size=20)))


@pytest.mark.parametrize("name", ["../a", "/etc/passwd", "a/b", "A.TXT", "", "a\\b", "C:a", ".."])
def test_paths_are_not_names(name: str) -> None:
    with pytest.raises(ArchiveError, match="name"):
        pack({name: b""})
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(zipfile.ZipInfo(name), b"x")
    with pytest.raises(ArchiveError):
        unpack(stream.getvalue())


def test_a_decompression_bomb_is_not_unpacked() -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb", bytes(100 << 20))
    assert len(stream.getvalue()) < 1 << 20
    with pytest.raises(ArchiveError, match="stored"):
        unpack(stream.getvalue())


def test_members_that_overlap_are_refused() -> None:
    """Two directory entries for the same bytes: the classic bomb without compression."""
    packed = pack({"aa": bytes(1000), "ab": bytes(1000)})
    place = packed.rindex(b"PK\x01\x02")
    offset = place + 42
    forged = packed[:offset] + b"\0\0\0\0" + packed[offset + 4 :]
    with pytest.raises(ArchiveError):
        unpack(forged)


def test_arrays_keep_type_and_shape() -> None:
    arrays = {
        "a": np.arange(6, dtype=np.int8).reshape(2, 3).T,
        "scalar": np.array(1.5),
        "names": np.array(["fibre", "Copepoda"]),
        "none": np.zeros((0, 4), np.float32),
    }
    back = unpack_arrays(pack_arrays(arrays))
    for name, array in arrays.items():
        assert back[name].dtype == array.dtype
        np.testing.assert_array_equal(back[name], array)
    assert set(np.load(io.BytesIO(pack_arrays(arrays)))) == set(arrays)


def test_pickles_are_neither_written_nor_read() -> None:
    with pytest.raises(ValueError, match="pickle"):
        pack_arrays({"a": np.array([{}], dtype=object)})
    stream = io.BytesIO()
    np.lib.format.write_array(stream, np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(ArchiveError, match="plain numpy array"):
        unpack_arrays(pack({"a.npy": stream.getvalue()}))
