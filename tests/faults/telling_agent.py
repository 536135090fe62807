"""The real `seadrift-edge`, saying on its standard output what it has promised, when it has.

    kept CURSOR EPOCH FIRST LAST    a commit returned: these records, up to this frame
    gone EPOCH FIRST-LAST,...       the shore holds these: they may leave from here on
    used NUMBER                     a request number goes out
    public KEY                      the instrument's public key, once it may be known
    enrolled DEVICE                 the enrolment is kept

Example:
    python tests/faults/telling_agent.py run --config edge.toml --frames 4 --once
"""

import functools
import os
import sys
from collections.abc import Callable
from typing import Any

from edge.cli import main
from edge.identity import Identity, RequestCounter
from edge.outbox import Outbox


def say(*words: object) -> None:
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


def telling(cls: type, name: str, after: Callable[..., None], *, before: bool = False) -> None:
    """Let `cls.name` call `after(self, result, *args)` when it returns, or `before` it begins."""
    plain = getattr(cls, name)

    @functools.wraps(plain)
    def told(self: Any, *args: Any, **named: Any) -> Any:
        if before:
            after(self, None, *args, **named)
            return plain(self, *args, **named)
        result = plain(self, *args, **named)
        after(self, result, *args, **named)
        return result

    setattr(cls, name, told)


def kept(outbox: Any, seqs: tuple[int, ...], *_: Any, **__: Any) -> None:
    say("kept", outbox.cursor or 0, outbox.epoch, seqs[0], seqs[-1])


def gone(_: Any, __: None, ack: Any) -> None:
    rejected = [(r.seq, r.seq) for r in ack.rejections]
    ranges = [(0, ack.upto), *ack.sack, *rejected]
    say("gone", ack.epoch, ",".join(f"{low}-{high}" for low, high in ranges))


def enrolled(identity: Any, *_: Any, **__: Any) -> None:
    say("public", identity.public.text)
    say("enrolled", identity.enrolment.device_id)


if __name__ == "__main__":
    telling(Outbox, "commit", kept)
    telling(Outbox, "acknowledge", gone, before=True)
    telling(RequestCounter, "next", lambda _, number: say("used", number))
    telling(Identity, "enrol", enrolled)
    sys.exit(main(sys.argv[1:]))
