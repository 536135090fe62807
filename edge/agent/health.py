"""What the agent counts and reports about itself: `health` records and the status file.

Counters live in the outbox, in the same transaction as the frame that they count, so they are right
after any crash.

Example:
    >>> Counters().with_frame(objects=12).frames
    1
"""

import json
import shutil
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from edge.agent.parts import Parts, release_of
from edge.agent.status import Status
from edge.budget import Energy, frame_energy
from edge.outbox import Outbox
from edge.updates.state import FACTORY
from wire.records import Health

THERMAL = Path("/sys/class/thermal/thermal_zone0/temp")


@dataclass(frozen=True)
class Counters:
    """Over all runs of this outbox."""

    frames: int = 0
    objects: int = 0
    bad_frames: int = 0

    @classmethod
    def load(cls, outbox: Outbox) -> "Counters":
        text = outbox.fact("counters")
        return cls() if text is None else cls(**json.loads(text))

    def as_text(self) -> str:
        return json.dumps(asdict(self))

    def with_frame(self, objects: int) -> "Counters":
        return replace(self, frames=self.frames + 1, objects=self.objects + objects)

    def with_bad_frame(self) -> "Counters":
        return replace(self, bad_frames=self.bad_frames + 1)


def health(parts: Parts, counters: Counters, ms_per_frame: float | None, uptime_s: float) -> Health:
    """The record that goes first whenever the link comes back."""
    pending = parts.outbox.pending()
    energy = _energy(parts, ms_per_frame)
    link = None if parts.sender is None else parts.sender.state
    return Health(
        uptime_s=round(uptime_s, 1),
        pending=pending.records,
        pending_bytes=pending.bytes,
        disk_free_mb=disk_free_mb(parts.config.data),
        release=release_of(parts.pipeline),
        frames=counters.frames,
        objects=counters.objects,
        bad_frames=counters.bad_frames,
        dead=pending.dead,
        ms_per_frame=ms_per_frame,
        energy_j_per_frame=None if energy is None else energy.marginal_j,
        temperature_c=processor_c(),
        board=parts.board.name,
        slots=slots(parts),
        carrier=None if link is None else link.carrier or None,
        held=None if link is None else link.held or None,
    )


def status(parts: Parts, counters: Counters, ms_per_frame: float | None, doing: str) -> Status:
    """The same for people nearby, and more of it."""
    pending = parts.outbox.pending()
    update = parts.updater.state
    enrolment = parts.identity.enrolment
    link = None if parts.sender is None else parts.sender.state
    energy = _energy(parts, ms_per_frame)
    now_ms = time.time_ns() // 1_000_000
    classifier = parts.pipeline.classifier
    last_ack_ms = None
    if link is not None and link.last_ack_s is not None:
        last_ack_ms = now_ms - int(1e3 * (time.monotonic() - link.last_ack_s))
    return Status(
        name=parts.config.device.name,
        state=doing,
        frames_done=int(parts.outbox.cursor or 0),
        **asdict(counters),
        pending=pending.records,
        pending_bytes=pending.bytes,
        pending_by_kind=dict(pending.by_kind),
        dead=pending.dead,
        given_up=pending.given_up,
        oldest_pending_ms=pending.oldest_ms,
        epoch=parts.outbox.epoch,
        device_id=None if enrolment is None else enrolment.device_id,
        wiped=parts.identity.wiped,
        shore=parts.config.shore.url,
        link="none" if link is None else link.state,
        link_error="" if link is None else link.error,
        last_ack_ms=last_ack_ms,
        carriers=[] if parts.sender is None else [asdict(c) for c in parts.sender.carriers],
        blobs=parts.outbox.blobs.count,
        release=release_of(parts.pipeline),
        runtime=None if classifier is None else classifier.runtime_name,
        active_slot=update.active,
        slots=slots(parts),
        deployment={
            "deploy_seq": update.deploy_seq,
            "release": update.release,
            "state": update.step,
            "reason": update.reason,
        },
        ms_per_frame=ms_per_frame,
        board=parts.board.name,
        energy={} if energy is None else asdict(energy),
        disk_free_mb=disk_free_mb(parts.config.data),
        written_ms=now_ms,
    )


def slots(parts: Parts) -> dict[str, str]:
    """Which release lies in which slot."""
    return {**parts.updater.state.slots, FACTORY: parts.updater.factory}


def disk_free_mb(folder: Path) -> float:
    return round(shutil.disk_usage(folder).free / 2**20, 1)


def processor_c(path: Path = THERMAL) -> float | None:
    """The processor's temperature where the kernel tells it."""
    try:
        return int(path.read_text()) / 1e3
    except (OSError, ValueError):
        return None


def _energy(parts: Parts, ms_per_frame: float | None) -> Energy | None:
    if ms_per_frame is None:
        return None
    # The pause comes after the frame, so a period is both.
    period_s = parts.config.source.interval_s + ms_per_frame / 1e3
    return frame_energy(parts.board, ms_per_frame, period_s)
