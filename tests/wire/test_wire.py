"""What both ends of the link rely on: codecs are exact, bounded, and refuse clearly."""

import dataclasses

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.ack import Ack, Rejection, decode_ack, encode_ack, ranges, watermark
from wire.checked import FieldError
from wire.codec import (
    UNPACKED_MAX,
    CodecError,
    decode_batch,
    decode_record,
    encode_batch,
    encode_record,
    zstd,
)
from wire.records import (
    KIND_OF,
    PRIORITY,
    Gap,
    Health,
    ObjectBody,
    Record,
    as_map,
    read_body,
    unknown_fields,
)
from wire.release import Assignment, check_assignment, sign_assignment, sign_release
from wire.signing import PrivateKey, PublicKey, SignatureError, sign_request, verify_request

counts = st.integers(0, 2**31)
floats = st.floats(allow_nan=False, allow_infinity=False, width=64)
bodies = st.one_of(
    st.builds(
        Health,
        uptime_s=floats,
        pending=counts,
        pending_bytes=counts,
        disk_free_mb=floats,
        release=st.none() | st.text(max_size=70),
        slots=st.dictionaries(st.text(max_size=4), st.text(max_size=9), max_size=3),
    ),
    st.builds(
        Gap,
        kind=st.text(max_size=10),
        count=counts,
        bytes=counts,
        reason=st.text(max_size=30),
        ranges=st.lists(st.tuples(counts, counts), max_size=4).map(tuple),
    ),
    st.builds(
        ObjectBody,
        **{
            f.name: {
                "bytes": st.binary(max_size=50),
                "int": counts,
                "str": st.text(max_size=20),
                "float": floats,
                "bool": st.booleans(),
            }.get(str(getattr(f.type, "__name__", f.type)), st.none())
            for f in dataclasses.fields(ObjectBody)
            if f.name != "top"
        },
        top=st.lists(st.tuples(st.text(max_size=9), floats), max_size=3).map(tuple),
    ),
)


def record_of(body: object, seq: int = 1) -> Record:
    kind = KIND_OF[type(body)]
    return Record(7, seq, kind, PRIORITY[kind], 1, 10, None, as_map(body))  # type: ignore[arg-type] # any body


@given(bodies, st.integers(1, 2**62))
def test_a_record_comes_back_as_it_went(body: object, seq: int) -> None:
    record = record_of(body, seq)
    blob = encode_record(record)
    again = decode_record(decode_batch(encode_batch([blob]))[0])
    assert again.key == record.key
    assert read_body(again) == body
    assert encode_record(again) == blob


@given(st.binary(max_size=200))
def test_rubbish_is_refused_by_name_never_otherwise(blob: bytes) -> None:
    for decode in (decode_batch, decode_record, decode_ack):
        with pytest.raises((CodecError, FieldError)):
            decode(blob)


@given(bodies, st.data())
def test_a_cut_or_changed_record_is_refused_or_reads_as_a_record(
    body: object, data: st.DataObject
) -> None:
    blob = bytearray(encode_record(record_of(body)))
    where = data.draw(st.integers(0, len(blob) - 1))
    blob[where] ^= data.draw(st.integers(1, 255))
    try:
        read_body(decode_record(bytes(blob)))
    except (CodecError, FieldError):
        return  # refused by name; anything else raised here fails the test


def test_a_bomb_is_refused_before_it_is_in_memory() -> None:
    bomb = zstd.compress(b"\0" * (UNPACKED_MAX * 4))
    with pytest.raises(CodecError, match="unpacks to more than"):
        decode_batch(bomb)
    with pytest.raises(CodecError, match="cut short"):
        decode_batch(encode_batch([b"x" * 1000])[:-3])


def test_messages_name_the_field_and_what_was_expected() -> None:
    record = record_of(Gap("object", 1, 2, "disk full", ((1, 2),)))
    wrong = dataclasses.replace(record, body={**record.body, "count": "many"})
    with pytest.raises(FieldError, match=r"Gap\.count: expected int, got str 'many'"):
        read_body(wrong)
    with pytest.raises(FieldError, match=r"Gap\.ranges\[0\]: expected 2 items, got 1"):
        read_body(dataclasses.replace(record, body={**record.body, "ranges": [[1]]}))
    with pytest.raises(FieldError, match=r"Health\.uptime_s: expected a finite number, got nan"):
        read_body(record_of(Health(float("nan"), 0, 0, 0.0, None)))
    with pytest.raises(FieldError, match=r"Health\.disk_free_mb: expected a finite number"):
        read_body(record_of(Health(1.0, 0, 0, 10**400, None)))
    with pytest.raises(FieldError, match=r"Record\.v: expected at most 1, got 9"):
        decode_record(cbor2.dumps({"v": 9}))
    with pytest.raises(FieldError, match="kind: expected one of"):
        read_body(dataclasses.replace(record, kind="dream"))


def test_a_field_of_a_later_version_is_not_refused() -> None:
    record = record_of(Gap("object", 1, 2, "disk full", ((1, 2),)))
    later = dataclasses.replace(record, body={**record.body, "salinity_psu": 35.1})
    assert read_body(later) == read_body(record)
    assert unknown_fields(later) == ("salinity_psu",)
    assert unknown_fields(record) == ()


@given(st.sets(st.integers(1, 300)), st.integers(0, 40))
def test_ranges_and_watermark_say_exactly_what_is_held(held: set[int], upto: int) -> None:
    ack = Ack(1, watermark(upto, sorted(held)), ranges(held))
    everything = held | set(range(1, upto + 1))
    assert {s for s in range(1, 400) if ack.covers(s)} == everything | set(range(1, ack.upto + 1))
    assert ack.upto + 1 not in everything
    assert decode_ack(encode_ack(ack)) == ack


def test_rejections_cross_the_link() -> None:
    no = Rejection(5, "schema", "ObjectBody.bx: missing")
    ack = decode_ack(encode_ack(Ack(1, 4, (), (dataclasses.asdict(no),))))
    assert ack.rejections == (no,)


KEY = PrivateKey.make()


@pytest.mark.parametrize("part", ["method", "path", "body", "counter", "device", "key"])
def test_a_signature_fits_one_request_alone(part: str) -> None:
    headers = sign_request(KEY, "d1", 41, "POST", "/v1/ingest", b"body")
    assert verify_request(KEY.public, headers, "POST", "/v1/ingest", b"body") == 41
    changed = dict(headers)
    if part == "counter":
        changed["Seadrift-Counter"] = "42"
    if part == "device":
        changed["Seadrift-Device"] = "d2"
    with pytest.raises(SignatureError, match="does not fit"):
        verify_request(
            PrivateKey.make().public if part == "key" else KEY.public,
            changed,
            "GET" if part == "method" else "POST",
            "/v1/other" if part == "path" else "/v1/ingest",
            b"other" if part == "body" else b"body",
        )


def test_a_private_key_never_shows_itself() -> None:
    assert KEY.raw.hex() not in repr(KEY)
    assert str(KEY.raw) not in repr(KEY)
    assert PublicKey.from_text(KEY.public.text) == KEY.public
    with pytest.raises(SignatureError, match="expected 32 bytes"):
        PublicKey.from_text("AAAA")


def test_an_assignment_is_for_one_device_once_and_signed_twice() -> None:
    release = "ab" * 32
    good = Assignment("d1", 3, release, 0, sign_release(KEY, release))
    blob = sign_assignment(KEY, good)
    assert check_assignment(KEY.public, blob, device="d1", last_deploy_seq=2) == good
    with pytest.raises(SignatureError, match="is for device d1"):
        check_assignment(KEY.public, blob, device="d2", last_deploy_seq=2)
    with pytest.raises(SignatureError, match="not newer"):
        check_assignment(KEY.public, blob, device="d1", last_deploy_seq=3)
    unsigned = sign_assignment(KEY, dataclasses.replace(good, release="cd" * 32))
    with pytest.raises(SignatureError, match="does not fit"):
        check_assignment(KEY.public, unsigned, device="d1", last_deploy_seq=2)
    for i in range(0, len(blob), 7):
        torn = blob[:i] + bytes([blob[i] ^ 1]) + blob[i + 1 :]
        with pytest.raises((SignatureError, CodecError, FieldError)):
            check_assignment(KEY.public, torn, device="d1", last_deploy_seq=2)
