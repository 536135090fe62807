"""Batches to the shore, whatever carries them, and what its answers mean for the outbox.

Records are deleted only on an acknowledgement in the shore's own form, whichever carrier brings it
and however late. A record that the shore cannot take alone, five times, is set aside, so that it
never blocks those behind.

Example:
    >>> delivery = Delivery(outbox)
    >>> delivery.deliver(batch, link.send)
    20
"""

import logging
from collections.abc import Callable

from edge.links import LinkError, RefusedError, SentError
from edge.outbox import Batch, Outbox
from wire.ack import Ack, Rejection
from wire.codec import RECORDS_MAX, encode_batch

log = logging.getLogger("seadrift.link")

ATTEMPTS_MAX = 5
"""A record refused so many times alone, by a shore that takes others, is set aside."""
ATTEMPTS_ALONE_MAX = 20
"""The same when the shore took nothing else since: that looks more like a sick shore."""


class Delivery:
    """One for all carriers: what one of them learns of a record holds for the others."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self.records_max = RECORDS_MAX
        self.acknowledged = 0
        self._blamed: set[tuple[int, int]] = set()
        self._suspects: dict[tuple[int, int], int] = {}

    def begin(self) -> None:
        """Another visit: each record may fail once in it."""
        self._blamed = set()

    def deliver(self, batch: Batch, send: Callable[[bytes], Ack]) -> int:
        """Send a batch and delete what the shore then holds; how many records left. Raises
        LinkError; after SentError the records go behind those that have not gone yet."""
        try:
            ack = send(encode_batch(batch.records))
        except RefusedError as error:
            if error.status in (400, 413, 422):
                self._divide(batch, error.code, error)
                return 0
            raise
        except SentError:
            self._outbox.mark_sent(batch.epoch, batch.seqs)
            raise
        left = self.take(ack) if ack.epoch == batch.epoch else 0
        if not left:
            problem = LinkError(f"the shore took none of {len(batch.seqs)} records")
            later = any(rejection.retry for rejection in ack.rejections)
            self._divide(batch, "busy" if later else "ignored", problem)
            return 0
        self.records_max = min(RECORDS_MAX, self.records_max * 2)
        self.acknowledged += len(batch.seqs)
        return left

    def take(self, ack: Ack) -> int:
        """Apply an acknowledgement; a shore that knows more of this epoch than was ever given here
        means that the card was restored or cloned, and further records get names of their own."""
        ahead = ack.epoch == self._outbox.epoch and ack.upto >= self._outbox.next_seq
        clash = any(rejection.code == "hash_conflict" for rejection in ack.rejections)
        left = self._outbox.acknowledge(ack)
        if ahead or (clash and ack.epoch == self._outbox.epoch):
            log.warning(
                "the shore holds other records under names of this outbox (a restored or cloned"
                " card?); going on with epoch %d",
                self._outbox.renew_epoch(),
            )
        return left

    def _divide(self, batch: Batch, code: str, error: LinkError) -> None:
        """Halve a batch of which nothing was taken, down to the record that is the cause; that one
        goes last from then on, and is set aside when it alone fails again and again while the
        shore takes others. Raises `error` once every record has failed in this visit."""
        if len(batch.seqs) > 1:
            self.records_max = len(batch.seqs) // 2
            return
        name = (batch.epoch, batch.seqs[0])
        if name in self._blamed:
            raise error
        self._blamed.add(name)
        attempts = self._outbox.blame(*name)
        taken = self._suspects.setdefault(name, self.acknowledged)
        limit = ATTEMPTS_MAX if self.acknowledged > taken else ATTEMPTS_ALONE_MAX
        if attempts >= limit and code != "busy":
            log.warning("record %d is set aside: %s", name[1], error)
            self._outbox.set_aside(batch.epoch, Rejection(name[1], code, str(error)))
            del self._suspects[name]
