"""The carriers that a configuration names, what they may cost, and what a visit to shore says.

Example:
    >>> [link.carriage.name for link in open_links(config, identity, outbox, clock, orders)]
    ['https']
"""

from collections.abc import Callable
from pathlib import Path

from edge.agent.orders import Orders
from edge.carriers.budgets import Budgets, Tariff
from edge.carriers.desk import LinkSettings
from edge.clock import SystemClock
from edge.config import Config
from edge.identity import Identity
from edge.links import Link
from edge.links.https import HttpsLink
from edge.links.mqtt import open_mqtt
from edge.links.satellite import open_satellite
from edge.outbox import Outbox
from edge.tables import ConfigError

MB = 1e6
SESSION_S = 60.0
"""A satellite session that takes longer is paid for when it has ended."""


def open_links(
    config: Config, identity: Identity, outbox: Outbox, clock: SystemClock, orders: Orders
) -> list[Link]:
    """One link for each of `[link] carriers`, the preferred one first; commands that come by
    satellite go to `orders` at once. Raises ConfigError."""
    makers: dict[str, Callable[[], Link]] = {
        "https": lambda: HttpsLink(
            config.shore,
            identity,
            timeout_s=config.link.timeout_s,
            folder=config.folder,
            proxy=config.link.proxy,
        ),
        "mqtt": lambda: open_mqtt(config, identity),
        "satellite": lambda: open_satellite(config, identity, outbox, clock, orders.take),
    }
    return [makers[name]() for name in config.link.carriers]


def tariffs(config: Config) -> dict[str, Tariff]:
    """What each carrier may use in a day, and what it draws."""
    budget, seconds = config.budget, config.link.timeout_s
    return {
        "https": Tariff(
            bytes_day=budget.https_mb * MB,
            j_per_byte=budget.https_j_per_mb / MB,
            watts=budget.https_w,
            seconds_max=seconds,
        ),
        "mqtt": Tariff(
            bytes_day=budget.mqtt_mb * MB,
            j_per_byte=budget.mqtt_j_per_mb / MB,
            watts=budget.mqtt_w,
            seconds_max=seconds,
        ),
        "satellite": Tariff(watts=budget.satellite_w, seconds_max=SESSION_S),
    }


def budgets(config: Config, outbox: Outbox, clock: SystemClock) -> Budgets:
    """The books, as the outbox keeps them."""
    return Budgets(outbox, clock, tariffs(config), joules_day=config.budget.link_j)


def link_settings(config: Config, identity: Identity, software: str) -> LinkSettings:
    """What a visit says. Raises ConfigError when the claim cannot be read."""
    return LinkSettings(
        link=config.link,
        url=config.shore.url,
        claim="" if identity.enrolment and config.shore.claim_file else read_claim(config),
        name=config.device.name,
        board=config.device.board,
        software=software,
    )


def read_claim(config: Config) -> str:
    """The claim token, from the configuration or its file. Raises ConfigError."""
    if not config.shore.claim_file:
        return config.shore.claim.strip()
    path: Path = config.resolve(config.shore.claim_file)
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"[shore] claim_file: {path}: cannot be read: {error}") from error
