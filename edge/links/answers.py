"""What the shore answers, read in one place for every carrier: acknowledgements, hellos, refusals.

Example:
    >>> refusal("https://shore.example", 503, b"", retry_after="7").retry_after_s
    7.0
"""

import json
from dataclasses import dataclass

from edge.links import BusyError, HelloReply, LinkError, NotSeadriftError, RefusedError
from wire.ack import Ack, decode_ack
from wire.checked import FieldError, read
from wire.codec import CodecError, loads


@dataclass(frozen=True)
class _Hello:
    """The shore's answer to a hello, as it comes."""

    ack: bytes
    time_ms: int
    assignment: bytes | None
    commands: tuple[bytes, ...] = ()


def read_ack(url: str, blob: bytes) -> Ack:
    """Raises NotSeadriftError for what is no acknowledgement."""
    try:
        ack = decode_ack(blob)
        _ = ack.rejections  # read here, so that a wrong one is an error of the link
    except (CodecError, FieldError) as error:
        raise NotSeadriftError(f"{url}: the answer is no acknowledgement ({error})") from error
    return ack


def read_hello(url: str, blob: bytes) -> HelloReply:
    """Raises NotSeadriftError for what is no answer to a hello."""
    try:
        reply = read(_Hello, loads(blob))
    except (CodecError, FieldError) as error:
        raise NotSeadriftError(f"{url}: the answer to a hello makes no sense ({error})") from error
    return HelloReply(read_ack(url, reply.ack), reply.time_ms, reply.assignment, reply.commands)


def refusal(url: str, status: int, body: bytes, *, retry_after: str = "") -> LinkError | None:
    """What an answer other than success means; None when no shore would answer so."""
    if status in (429, 503):
        wait_s = float(retry_after) if retry_after.isdigit() else 0.0
        return BusyError(f"{url}: shore is busy ({status})", wait_s)
    try:
        error = json.loads(body)["error"]
        return RefusedError(status, str(error["code"]), str(error["message"]))
    except (ValueError, KeyError, TypeError):
        return None
