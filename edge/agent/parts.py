"""What the agent works with, put together from a configuration in one place.

Example:
    >>> with assemble(load(Path("instrument.toml"))) as parts:
    ...     Agent(parts, Options()).run()
"""

import contextlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from edge import board as boards
from edge.agent.notify import Notifier
from edge.agent.quarantine import Quarantine
from edge.agent.resume import Bookmark
from edge.agent.sender import LinkSettings, Sender
from edge.agent.sources import NoSource, open_configured
from edge.agent.version import software_version
from edge.board import Board
from edge.clock import SystemClock
from edge.config import Config
from edge.frames import Source
from edge.identity import Identity
from edge.links.https import HttpsLink
from edge.outbox import Outbox
from edge.pipeline import Pipeline
from edge.tables import ConfigError
from edge.updates.store import ReleaseStore
from edge.updates.updater import Updater

log = logging.getLogger("seadrift.agent")


@dataclass(frozen=True)
class Parts:
    """`sender` is None without a shore."""

    config: Config
    board: Board
    outbox: Outbox
    source: Source
    pipeline: Pipeline
    updater: Updater
    sender: Sender | None
    identity: Identity
    quarantine: Quarantine
    notifier: Notifier
    software: str


@contextlib.contextmanager
def assemble(config: Config, *, capture: bool = True) -> Iterator[Parts]:
    """Everything, open; closed at the end. Without `capture` the source is left alone.

    Raises ConfigError, SourceError, IdentityError or OutboxError, each with one sentence for a
    person."""
    data = config.data
    try:
        data.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"[device] data: {data}: cannot be made: {error.strerror}") from error
    board = boards.load(config.device.board, config.folder)
    clock = SystemClock(trust_system=config.device.clock == "system")
    with contextlib.ExitStack() as opened:
        outbox = opened.enter_context(
            Outbox.open(
                data / "outbox",
                max_mb=config.outbox.max_mb,
                reserve_mb=config.outbox.reserve_mb,
                clock=clock,
            )
        )
        source: Source = NoSource()
        if capture:
            source = opened.enter_context(open_configured(config, Bookmark.of(outbox)))
        identity = Identity.load_or_renew(data / "identity")
        runtime = config.classify.runtime
        tier = config.measures.tier
        updater = Updater(ReleaseStore(data / "releases"), config.updates, runtime, tier=tier)
        pipeline = Pipeline(config.segment, updater.load_active(), tier=tier)
        software = f"seadrift {software_version()}"
        sender = None
        if config.shore.url:
            sender = _sender(config, identity, outbox, updater, clock, pipeline, software)
        yield Parts(
            config=config,
            board=board,
            outbox=outbox,
            source=source,
            pipeline=pipeline,
            updater=updater,
            sender=sender,
            identity=identity,
            quarantine=Quarantine(data / "quarantine", source),
            notifier=Notifier.from_environment(),
            software=software,
        )


def read_claim(config: Config, *, enrolled: bool = False) -> str:
    """The claim token, from the configuration or its file, which may go once it was used. Raises
    ConfigError."""
    if not config.shore.claim_file:
        return config.shore.claim.strip()
    path: Path = config.resolve(config.shore.claim_file)
    if enrolled and not path.exists():
        return ""
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"[shore] claim_file: {path}: cannot be read: {error}") from error


def _sender(
    config: Config,
    identity: Identity,
    outbox: Outbox,
    updater: Updater,
    clock: SystemClock,
    pipeline: Pipeline,
    software: str,
) -> Sender:
    link = HttpsLink(config.shore, identity, timeout_s=config.link.timeout_s, folder=config.folder)
    settings = LinkSettings(
        link=config.link,
        url=link.url,
        claim=read_claim(config, enrolled=identity.enrolment is not None),
        name=config.device.name,
        board=config.device.board,
        software=software,
    )

    def release() -> str | None:
        return None if pipeline.classifier is None else pipeline.classifier.release_id

    return Sender(link, outbox, identity, updater, clock, settings, release)
