"""The carrier of last resort: short messages through a satellite modem, and the shore's word back.

A summary record goes as one message, other records as parts of a small batch. "Sent" is the
modem's word and deletes nothing: `send` returns when the shore's acknowledgement has come down, and
raises SentError when it has not yet. Asked for the same records again, it only looks whether it has
come, until `resend_h` are over. Every credit is taken from the purse before it is spent.

Example:
    >>> link = open_satellite(config, identity, outbox, clock, orders.take)
    >>> link.cost(batch)
    7
    >>> link.send(batch)
    Ack(epoch=7, upto=20, sack=(), rej=())
"""

import json
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

from edge.clock import Clock
from edge.config import Config
from edge.config_link import SatelliteConfig
from edge.identity import Identity
from edge.links import Carriage, Enrolled, HelloReply, LinkError, RefusedError, SentError
from edge.links.journal import Journal
from edge.links.modem import Modem, Pace
from edge.links.purse import Purse
from edge.links.sbd import Sessions
from edge.outbox import Outbox
from edge.policy import setting
from wire.ack import Ack
from wire.checked import FieldError
from wire.codec import CodecError, decode_batch, decode_record, encode_batch
from wire.short import MAC_BYTES, UP_MAX, Kind, Message, credits, opened, peek, seal, short_id
from wire.shorthand import pack_greeting, pack_record, read_ack, split

log = logging.getLogger("seadrift.satellite")

CREDIT_BYTES = 50
VISIT_S = 600.0
"""A send ends after so long, with what it got done; the agent's watchdog wants a word."""
TOO_MANY = ("health", "context", "frame", "badframe")
"""Kinds of P0 and P1 that come with every frame or minute, or are long: summaries say it shorter.
They go by satellite only when objects may too."""
SACK_MAX = 200
LOOK_S = 1800.0
"""A mailbox is looked into unasked so often at most, but once after each message."""
HELLO = "satellite_hello"


class SatelliteLink:
    """One modem. Not for several threads at once; `close` may be called from another."""

    def __init__(
        self,
        modem: Modem,
        settings: SatelliteConfig,
        identity: Identity,
        outbox: Outbox,
        clock: Clock,
        pace: Pace,
        obey: Callable[[bytes], object],
    ) -> None:
        self._settings, self._obey, self._clock = settings, obey, clock
        self._identity, self._outbox = identity, outbox
        self._journal = Journal(outbox, clock, settings.resend_h)
        self._purse = Purse(
            outbox, clock, lambda: setting(outbox, "satellite.credits_day", settings.credits_day)
        )
        self._sessions = Sessions(modem, self._purse, pace, self._take)
        self._acks: dict[int, Ack] = {}

    @property
    def carriage(self) -> Carriage:
        most = setting(self._outbox, "satellite.priority_max", self._settings.priority_max)
        return Carriage(
            "satellite",
            self._settings.batch_bytes,
            priority_max=int(most),
            credit_bytes=CREDIT_BYTES,
            without=() if most > 1 else TOO_MANY,
        )

    @property
    def credits_left(self) -> float:
        return self._purse.left

    def ping(self) -> str:
        """That a modem answers: whether a shore does only its acknowledgements say."""
        self._sessions.wake()
        return "satellite"

    def enrol(self, claim: str, name: str, board: str, software: str) -> Enrolled:
        raise LinkError("satellite: enrol over the network first; the link key is given there")

    def fetch(self, release: str, offset: int) -> Iterator[bytes]:
        raise LinkError("satellite: releases do not go by satellite")

    def close(self) -> None:
        self._sessions.close()

    def hello(
        self, epoch: int, next_seq: int, software: str, release: str | None, deploy_seq: int
    ) -> HelloReply:
        """What is known of the shore. A message goes only when something but `next_seq` changed,
        or after `hello_h`; else this costs nothing unless a message waits."""
        said = {"epoch": epoch, "next_seq": next_seq, "software": software}
        said |= {"release": release, "deploy_seq": deploy_seq}
        known = json.dumps([epoch, software, release, deploy_seq])
        before = json.loads(self._outbox.fact(HELLO) or '[0, "", 0, null]')
        if before[1] != known or self._hello_due(before):
            number = before[0] + 1
            body = pack_greeting(number, said)
            self._outbox.commit([], facts={HELLO: json.dumps([number, "", 0, None])})
            self._sessions.transmit(self._sealed(Kind.HELLO, body))
            now = [self._clock.mono_ms(), self._clock.utc_ms()]
            self._outbox.commit([], facts={HELLO: json.dumps([number, known, *now])})
        elif self._sessions.rings():
            self._sessions.look()
        return HelloReply(self._acks.get(epoch, Ack(epoch, 0)), 0, None)

    def cost(self, batch: bytes) -> int:
        """Credits that `send` would spend on the batch: nothing for what is on its way."""
        return sum(credits(len(blob)) for blob in self._messages(batch))

    def send(self, batch: bytes) -> Ack:
        """Raises SentError while the shore's acknowledgement has not come, BusyError when credits
        are used up, RefusedError for what is no batch."""
        deadline_s = time.monotonic() + VISIT_S
        names, went = self._names(batch), False
        for blob in list(self._messages(batch)):
            if time.monotonic() > deadline_s:
                raise LinkError("satellite: the batch is not sent yet")
            self._sessions.transmit(blob)
            self._journal.add([_name(blob)])
            went = True
        fresh_names = [f"{e}:{s}" for e, s in names if not self._journal.holds(f"{e}:{s}")]
        if fresh_names:
            self._journal.add(fresh_names)
        return self._acknowledged(names, self._settings.ack_wait_s if went else 0.0)

    # --- messages -----------------------------------------------------------------------------

    def _names(self, batch: bytes) -> list[tuple[int, int]]:
        try:
            return [decode_record(blob).key for blob in decode_batch(batch)]
        except (CodecError, FieldError) as error:
            raise RefusedError(400, "batch", str(error)) from error

    def _messages(self, batch: bytes) -> Iterator[bytes]:
        """Sealed messages for what of the batch is not on its way."""
        others = []
        for blob in decode_batch(batch):
            epoch, seq = decode_record(blob).key
            if self._journal.holds(f"{epoch}:{seq}"):
                continue
            packed = pack_record(blob)
            if packed is None:
                others.append(blob)
            else:
                yield self._sealed(Kind.SUMMARY, packed)
        for body in split(encode_batch(others)) if others else ():
            part = self._sealed(Kind.PART, body)
            if not self._journal.holds(_name(part)):
                yield part

    def _sealed(self, kind: Kind, body: bytes) -> bytes:
        enrolment = self._identity.enrolment
        if enrolment is None or not enrolment.link_key:
            raise LinkError("satellite: no link key: enrol with the shore over the network first")
        return seal(enrolment.secret, Message(kind, short_id(enrolment.device_id), body), UP_MAX)

    # --- the shore's word ---------------------------------------------------------------------

    def _acknowledged(self, names: list[tuple[int, int]], patience_s: float) -> Ack:
        """The shore's word on records of the first one's epoch, once it has come."""
        begun_s, asked = time.monotonic(), False
        while True:
            waited_s = time.monotonic() - begun_s
            late = self._sessions.unlooked_s >= LOOK_S
            lost = patience_s > 0 and not asked and waited_s >= patience_s / 2
            if self._sessions.rings() or late or lost:  # ring alerts get lost too
                asked = asked or lost
                self._sessions.look()
            ack = self._word_on(names)
            if ack is not None:
                return ack
            if waited_s >= patience_s or self._sessions.ended.is_set():
                raise SentError("satellite: sent; the shore's acknowledgement has not come yet")
            self._sessions.ended.wait(min(1.0, patience_s / 20))

    def _word_on(self, names: list[tuple[int, int]]) -> Ack | None:
        epoch = names[0][0]
        ack = self._acks.get(epoch)
        if ack is None:
            return None
        refused = {rejection.seq for rejection in ack.rejections}
        done = [n for n in names if n[0] == epoch and (ack.covers(n[1]) or n[1] in refused)]
        self._journal.drop(f"{e}:{s}" for e, s in done)
        return ack if done else None

    def _take(self, blob: bytes) -> None:
        """An acknowledgement or a command; anything else is not from our shore."""
        enrolment = self._identity.enrolment
        try:
            if enrolment is None:
                return
            if peek(blob).kind == Kind.COMMAND:
                self._obey(blob)  # which checks its signature
                return
            message = opened(enrolment.secret, blob)
            if message.kind != Kind.ACK or message.short != short_id(enrolment.device_id):
                raise CodecError(f"kind {message.kind} is not for this device")
            self._learn(read_ack(message.body))
        except (CodecError, FieldError) as error:
            log.warning("message down refused: %s", error)

    def _learn(self, ack: Ack) -> None:
        """Acknowledgements overtake each other: what the shore held once, it holds."""
        before = self._acks.get(ack.epoch, Ack(ack.epoch, 0))
        rej = {item["seq"]: item for item in (*before.rej, *ack.rej)}
        self._acks[ack.epoch] = replace(
            ack,
            upto=max(before.upto, ack.upto),
            sack=tuple(dict.fromkeys((*before.sack, *ack.sack)))[-SACK_MAX:],
            rej=tuple(rej.values())[-SACK_MAX:],
        )

    def _hello_due(self, before: list[int | None]) -> bool:
        mono_ms, utc_ms = before[2], before[3]
        now_ms = self._clock.utc_ms()
        if utc_ms is None or now_ms is None or now_ms < utc_ms:
            now_ms, utc_ms = self._clock.mono_ms(), min(mono_ms or 0, self._clock.mono_ms())
        return now_ms - utc_ms >= self._settings.hello_h * 3.6e6


def open_satellite(
    config: Config,
    identity: Identity,
    outbox: Outbox,
    clock: Clock,
    obey: Callable[[bytes], object],
) -> SatelliteLink:
    """The link over `[satellite] port`, which is opened when it is first used; `obey` takes the
    shore's commands."""
    settings, pace = config.satellite, Pace()
    modem = Modem(settings.port, settings.baud, pace)
    return SatelliteLink(modem, settings, identity, outbox, clock, pace, obey)


def _name(blob: bytes) -> str:
    """What a message is known by: its authentication."""
    return blob[-MAC_BYTES:].hex()
