"""What the agent works with, put together from a configuration in one place.

Example:
    >>> with assemble(load(Path("instrument.toml"))) as parts:
    ...     Agent(parts, Options()).run()
"""

import contextlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass

from edge import board as boards
from edge.agent.links import budgets, link_settings, open_links
from edge.agent.notify import Notifier
from edge.agent.orders import Orders
from edge.agent.quarantine import Quarantine
from edge.agent.resume import Bookmark
from edge.agent.sender import Sender
from edge.agent.sources import NoSource, open_configured
from edge.agent.version import software_version
from edge.board import Board
from edge.carriers.desk import Desk
from edge.clock import SystemClock
from edge.config import Config
from edge.frames import Source
from edge.identity import Identity
from edge.outbox import Outbox
from edge.pipeline import Pipeline
from edge.satellite.tally import Tally
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
    clock: SystemClock
    source: Source
    pipeline: Pipeline
    updater: Updater
    sender: Sender | None
    identity: Identity
    quarantine: Quarantine
    notifier: Notifier
    software: str
    orders: Orders
    tally: Tally


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
        orders = Orders(outbox, identity, updater)
        sender = None
        if config.shore.url:
            desk = Desk(
                outbox,
                identity,
                updater,
                orders,
                clock,
                link_settings(config, identity, software),
                release=lambda: release_of(pipeline),
            )
            links = open_links(config, identity, outbox, clock, orders)
            sender = Sender(links, desk, budgets(config, outbox, clock))
        yield Parts(
            config=config,
            board=board,
            outbox=outbox,
            clock=clock,
            source=source,
            pipeline=pipeline,
            updater=updater,
            sender=sender,
            identity=identity,
            quarantine=Quarantine(data / "quarantine", source),
            notifier=Notifier.from_environment(),
            software=software,
            orders=orders,
            tally=Tally(outbox, config.satellite, clock),
        )


def release_of(pipeline: Pipeline) -> str | None:
    """The release that classifies now."""
    return None if pipeline.classifier is None else pipeline.classifier.release_id
