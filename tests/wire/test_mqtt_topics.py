"""Topics, headers and addresses: what both sides must read alike."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.mqtt import (
    KINDS,
    Address,
    AddressError,
    answer_topic,
    headers,
    read_address,
    read_request,
    request_topic,
)

NAMES = st.text("abcdef0123456789", min_size=1, max_size=20)


@given(NAMES, st.sampled_from(KINDS))
def test_a_topic_says_who_asks_and_for_what(device: str, kind: str) -> None:
    assert read_request(request_topic(device, kind)) == (device, kind)
    assert read_request(answer_topic(device)) is None


@given(st.text())
def test_any_other_topic_is_none(topic: str) -> None:
    found = read_request(topic)
    assert found is None or topic == request_topic(*found)


def test_of_a_header_that_comes_twice_the_first_counts() -> None:
    assert headers([("a", "1"), ("b", "2"), ("a", "3")]) == {"a": "1", "b": "2"}


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("mqtts://shore.example", Address("shore.example", 8883, True)),
        ("mqtts://10.0.0.2:8884/", Address("10.0.0.2", 8884, True)),
        ("mqtt://localhost", Address("localhost", 1883, False)),
        ("mqtt://[::1]:99", Address("::1", 99, False)),
    ],
)
def test_addresses_that_are_taken(url: str, expected: Address) -> None:
    assert read_address(url) == expected
    assert read_address(expected.url) == expected


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("mqtt://shore.example", "use mqtts"),
        ("https://shore.example", "expected mqtts"),
        ("shore.example:8883", "expected mqtts"),
        ("mqtts://", "expected mqtts"),
        ("mqtts://host:99999", "out of range"),
        ("mqtts://u:p@host", "alone"),
        ("mqtts://host/path", "expected mqtts"),
    ],
)
def test_addresses_that_are_refused(url: str, message: str) -> None:
    with pytest.raises(AddressError, match=message):
        read_address(url)
