"""A batch gives every record back byte for byte, whatever is in it, and takes little room; what an
enemy makes of one is refused within bounds."""

import struct

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire import columns
from wire.codec import (
    RECORDS_MAX,
    CodecError,
    decode_batch,
    encode_batch,
    zstd,
)
from wire.columns import fold, unfolded
from wire.unfold import FoldError, unfold

scalars = st.one_of(
    st.integers(-(2**63), 2**63),
    st.floats(allow_nan=False),
    st.text(max_size=40),
    st.binary(max_size=300),
    st.booleans(),
    st.none(),
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=12,
)
maps = st.dictionaries(st.text(max_size=6), values, max_size=6)
MIB = 1 << 20


def alike(items: list[dict[str, object]], changes: list[int]) -> list[bytes]:
    """Records of few patterns: each map again and again, one number in it changing."""
    many = [{**item, "seq": n, "n": change} for item in items for n, change in enumerate(changes)]
    return [cbor2.dumps(item, canonical=True) for item in many]


@given(
    st.lists(maps, max_size=4),
    st.lists(st.integers(-(2**40), 2**40), max_size=60),
    st.lists(st.binary(max_size=40), max_size=6),
)
def test_every_byte_comes_back_in_order(
    items: list[dict[str, object]], changes: list[int], rubbish: list[bytes]
) -> None:
    records = [*rubbish, *alike(items, changes), *rubbish]
    assert unfold(fold(records), most=1000, limit=8 * MIB) == records
    assert decode_batch(encode_batch(records)) == records


@given(st.lists(st.binary(max_size=30), max_size=20))
def test_any_bytes_at_all_come_back(records: list[bytes]) -> None:
    assert unfold(fold(records), most=20, limit=MIB) == records
    assert unfold(unfolded(records), most=20, limit=MIB) == records


def test_records_of_one_kind_lie_side_by_side() -> None:
    records = alike([{"kind": "object", "area": 5}], list(range(200)))
    _, plain, groups = cbor2.loads(fold(records))
    assert not plain
    (pattern, found) = groups[0]
    assert b"".join(pattern).count(b"kind") == 1
    assert len(found) == 2
    assert found[1] == 0  # seq and n rise together: the second is told as the first
    assert 8 * len(fold(records)) < len(b"".join(records))


def test_more_patterns_than_there_are_groups_go_as_they_are() -> None:
    records = [cbor2.dumps({str(n): 1}) for n in range(columns.GROUPS_MAX + 5)]
    _, plain, groups = cbor2.loads(fold(records))
    assert (len(groups), len(plain)) == (columns.GROUPS_MAX, 5)
    assert unfold(fold(records), most=100, limit=MIB) == records


def folded(places: bytes, plain: object = (), *groups: object) -> bytes:
    return cbor2.dumps([places, list(plain), list(groups)])  # type: ignore[call-overload]  # wrong on purpose


ONE = [[b"a", b""], [[[b"x"], b"\0"]]]


@pytest.mark.parametrize(
    ("blob", "why"),
    [
        (b"", "cut short"),
        (cbor2.dumps([b"", []]), "batch: expected a list of 3 to 3"),
        (cbor2.dumps({}), "batch: expected a list"),
        (b"\x9f\x40\x80\x80\xff", "another kind"),  # a list without a length
        (folded(b"\0"), "has a record left"),
        (folded(b"\1"), "has a record left"),
        (folded(b"", ["text"]), "record: expected a byte string"),
        (folded(b"", [], ONE), "expected one record at least"),
        (folded(b"\1", [], [[], []]), "pattern: expected a list of 1 to"),
        (folded(b"\1", [], [[b"a", b"b"], []]), "columns: expected a list of 1 to 1"),
        (folded(b"\1", [], [[b"a", b"b"], [0]]), "number of an earlier one"),
        (folded(b"\1", [], [[b"a", b"b"], [[0, b""]]]), "tokens of one width"),
        (folded(b"\1", [], [[b"a", b"b"], [[2, b"\x1a\0"]]]), "longer than the column"),
        (folded(b"\1", [], [[b"a", b"b"], [[[b"x"], b"\1"]]]), "indices below 1"),
        (folded(b"\1", [], [[b"a", b"b"], [[[b"x"], b""]]]), "expected 1 indices"),
        (folded(b"\1", [], [[b"a", b"b"], [[[b"x", b"y"], b"\0"]]]), "tokens: expected a list"),
        (folded(b"\1", [], ONE) + b"\0", "1 bytes after its end"),
        (folded(b"\1" * 11, [], ONE), "at most 10 records, got 11"),
    ],
)
def test_what_is_not_a_batch_is_refused_with_the_reason(blob: bytes, why: str) -> None:
    with pytest.raises(FoldError, match=why):
        unfold(blob, most=10, limit=MIB)


def test_a_batch_that_would_unfold_to_too_much_is_refused_before_it_does() -> None:
    count = RECORDS_MAX
    big = [[b"x" * 100_000, b""], [[[b"y"], bytes(count)]]]
    with pytest.raises(FoldError, match="unpacks to more than"):
        unfold(folded(b"\1" * count, [], big), most=count, limit=8 * MIB)
    token = [[b"", b""], [[[b"y" * 100_000], bytes(count)]]]
    with pytest.raises(FoldError, match="unpacks to more than"):
        unfold(folded(b"\1" * count, [], token), most=count, limit=8 * MIB)
    lists = b"\x83" + cbor2.dumps(b"") + b"\x9b" + struct.pack(">Q", 2**40)
    with pytest.raises(FoldError, match="plain records: expected a list of 0 to 2000"):
        unfold(lists, most=count, limit=8 * MIB)


@given(st.data())
def test_a_changed_byte_is_refused_or_reads_as_records(data: st.DataObject) -> None:
    records = alike([{"kind": "object", "area": 5}, {"t": "a"}], list(range(40)))
    blob = bytearray(fold(records))
    place = data.draw(st.integers(0, len(blob) - 1))
    blob[place] ^= data.draw(st.integers(1, 255))
    try:
        found = decode_batch(zstd.compress(bytes(blob)))
    except CodecError:
        return
    assert all(type(record) is bytes for record in found)
