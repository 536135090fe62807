"""The device's promise: a record that `commit` accepted survives until the shore says it holds it.

Example:
    >>> with Outbox.open(folder, max_mb=512, reserve_mb=1, clock=clock) as outbox:
    ...     outbox.commit([Draft(frame_summary), Draft(the_object), Draft(vignette, about=1)],
    ...                   cursor="18")
    ...     batch = outbox.next_batch(192 * 1024)
    ...     outbox.acknowledge(ack)  # what the shore holds is deleted
"""

from edge.outbox.database import OutboxBusyError, OutboxError, OutboxFullError, OutboxGoneError
from edge.outbox.drafts import Draft, RecordTooLargeError, Whole
from edge.outbox.outbox import Outbox
from edge.outbox.queue import Batch, Pending

__all__ = [
    "Batch",
    "Draft",
    "Outbox",
    "OutboxBusyError",
    "OutboxError",
    "OutboxFullError",
    "OutboxGoneError",
    "Pending",
    "RecordTooLargeError",
    "Whole",
]
