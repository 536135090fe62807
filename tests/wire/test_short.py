"""Short messages: authenticated, bounded, and the same record on both sides of a satellite."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.ack import Ack
from wire.checked import FieldError
from wire.codec import CodecError, encode_record
from wire.commands import Command, CommandError, check_command, sign_command
from wire.records import Record
from wire.short import DOWN_MAX, UP_MAX, ForgedError, Kind, Message, opened, peek, seal, short_id
from wire.shorthand import (
    BODY_MAX,
    join,
    pack_ack,
    pack_greeting,
    pack_record,
    read_ack,
    read_greeting,
    read_part,
    split,
    unpack_record,
)
from wire.signing import PrivateKey, SignatureError

KEY = bytes(range(32))
SHORE = PrivateKey.make()


@given(st.binary(max_size=BODY_MAX), st.integers(0, UP_MAX * 8 - 1))
def test_one_changed_bit_is_noticed(body: bytes, bit: int) -> None:
    blob = seal(KEY, Message(Kind.PART, b"abc", body), UP_MAX)
    assert opened(KEY, blob).body == body
    changed = bytearray(blob)
    changed[bit // 8 % len(blob)] ^= 1 << bit % 8
    with pytest.raises(CodecError):
        opened(KEY, bytes(changed))
    with pytest.raises(ForgedError):
        opened(bytes(32), blob)


@given(
    st.integers(0, 2**32 - 1), st.integers(1, 2**53), st.integers(0, 10**6),
    st.integers(0, 2**53), st.none() | st.integers(0, 2**45), st.binary(max_size=290),
)  # fmt: skip
def test_a_summary_record_comes_back_byte_for_byte(
    epoch: int, seq: int, boot: int, mono_ms: int, utc_ms: int | None, data: bytes
) -> None:
    blob = encode_record(Record(epoch, seq, "summary", 1, boot, mono_ms, utc_ms, {"data": data}))
    packed = pack_record(blob)
    assert packed is not None
    assert len(packed) <= BODY_MAX
    assert unpack_record(packed) == blob


def test_a_record_that_would_not_come_back_goes_another_way() -> None:
    other = Record(7, 1, "summary", 2, 1, 1, None, {"data": b"x"})
    assert pack_record(encode_record(other)) is None
    assert pack_record(encode_record(Record(7, 1, "health", 0, 1, 1, None, {}))) is None


@given(st.binary(min_size=1, max_size=5000), st.randoms())
def test_parts_come_together_in_any_order(batch: bytes, chance: object) -> None:
    bodies = split(batch)
    assert all(len(body) <= BODY_MAX for body in bodies)
    parts = [read_part(body) for body in bodies]
    chance.shuffle(parts)  # type: ignore[attr-defined]
    assert join(parts) == batch


@given(
    st.lists(st.tuples(st.integers(0, 2**40), st.integers(0, 2**40)), max_size=200),
    st.lists(st.integers(1, 2**40), max_size=60),
)
def test_an_acknowledgement_fits_a_message_down(
    sack: list[tuple[int, int]], refused: list[int]
) -> None:
    rej = tuple({"seq": s, "code": "schema", "detail": "d" * 99, "retry": False} for s in refused)
    body = pack_ack(Ack(7, 5, tuple(sack), rej))
    assert len(seal(KEY, Message(Kind.ACK, b"abc", body), DOWN_MAX)) <= DOWN_MAX
    found = read_ack(body)
    assert (found.epoch, found.upto) == (7, 5)
    assert set(found.sack) <= set(sack)


def test_a_hello_comes_back() -> None:
    said = {"epoch": 7, "next_seq": 9, "software": "s", "release": "ab" * 32, "deploy_seq": 3}
    greeting = read_greeting(pack_greeting(4, said))
    assert (greeting.number, greeting.said) == (4, said)


@given(st.binary(max_size=400))
def test_noise_is_refused_by_every_reader(noise: bytes) -> None:
    for reader in (peek, read_part, read_greeting, read_ack, unpack_record):
        with contextlib.suppress(CodecError, FieldError):
            reader(noise)


COMMANDS = [
    ("priorities", {"vignette": 3}),
    ("policy", {"satellite.credits_day": 100}),
    ("thresholds", {"release": "5f1c09aa", "unknown": 0.9, "nodes": dict.fromkeys(range(12), 0.5)}),
    ("vignettes", [[2**32 - 1, 10**6 + i] for i in range(10)]),
    ("assign", [4, "5f1c09aa5f1c09aa"]),
    ("wipe", None),
]


@pytest.mark.parametrize(("name", "argument"), COMMANDS)
def test_a_command_is_small_and_for_one_device(name: str, argument: object) -> None:
    blob = sign_command(SHORE, "d1", Command(3, name, argument))
    assert len(blob) <= DOWN_MAX
    assert check_command(SHORE.public, "d1", blob) == Command(3, name, argument)
    with pytest.raises(SignatureError):
        check_command(SHORE.public, "d2", blob)
    with pytest.raises(SignatureError):
        check_command(PrivateKey.make().public, "d1", blob)
    for place in (4, 7, len(blob) - 65, len(blob) - 1):
        changed = bytearray(blob)
        changed[place] ^= 1
        with pytest.raises(SignatureError):
            check_command(SHORE.public, "d1", bytes(changed))


@pytest.mark.parametrize(
    ("name", "argument"),
    [
        ("dance", None),
        ("wipe", 1),
        ("priorities", {"health": 3}),
        ("priorities", {"vignette": 1}),
        ("policy", {"device.name": 1}),
        ("policy", {"satellite.credits_day": 10**9}),
        ("thresholds", {"release": "5f1c09aa"}),
        ("thresholds", {"release": "5f1c09aa", "nodes": {0: 2}}),
        ("vignettes", []),
        ("vignettes", [[7, 0]]),
        ("vignettes", [[7, i] for i in range(1, 90)]),
        ("assign", [0, "5f1c09aa5f1c09aa"]),
    ],
)
def test_a_command_that_makes_no_sense_is_not_signed(name: str, argument: object) -> None:
    with pytest.raises(CommandError):
        sign_command(SHORE, "d1", Command(3, name, argument))


def test_short_ids_differ() -> None:
    assert len({short_id(f"d{n}") for n in range(200)}) == 200
