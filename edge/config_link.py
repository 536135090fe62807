"""The tables of the configuration that say how records go to shore, and what that may cost.

Example:
    >>> LinkConfig().carriers
    ('https',)
"""

from dataclasses import dataclass
from typing import Literal, cast

from edge.tables import ConfigError, bounded

BUDGET_MIN_MB = 0.5


@dataclass(frozen=True)
class MqttConfig:
    """[mqtt]: a broker, as a second way to the shore."""

    url: str = ""
    ca: str = ""


@dataclass(frozen=True)
class LinkConfig:
    """[link]: how records go to shore. A batch stays below the link's limit of 256 KiB."""

    carriers: tuple[Literal["https", "mqtt", "satellite"], ...] = ("https",)
    proxy: str = ""
    leave_after: int = cast(int, bounded(3, 1, 100))
    return_after: int = cast(int, bounded(3, 1, 100))
    return_s: float = bounded(60.0, 0.0, 86400.0)
    batch_kb: int = cast(int, bounded(192, 8, 240))
    retry_max_s: float = bounded(900.0, 1.0, 86400.0)
    hello_s: float = bounded(60.0, 0.1, 86400.0)
    timeout_s: float = bounded(30.0, 0.1, 600.0)


@dataclass(frozen=True)
class BudgetConfig:
    """[budget]: the most that any 24 hours may cost (0: no limit), and what a carrier draws."""

    https_mb: float = bounded(0.0, 0.0, 1e6)
    mqtt_mb: float = bounded(0.0, 0.0, 1e6)
    link_j: float = bounded(0.0, 0.0, 1e9)
    frames_j: float = bounded(0.0, 0.0, 1e9)
    https_j_per_mb: float = bounded(5.0, 0.0, 1e5)
    https_w: float = bounded(2.0, 0.0, 1000.0)
    mqtt_j_per_mb: float = bounded(5.0, 0.0, 1e5)
    mqtt_w: float = bounded(2.0, 0.0, 1000.0)
    satellite_w: float = bounded(1.5, 0.0, 1000.0)


@dataclass(frozen=True)
class SatelliteConfig:
    """[satellite]: a serial modem, and the summaries that it carries first. No `port`: no modem."""

    port: str = ""
    baud: int = cast(int, bounded(19200, 300, 921_600))
    priority_max: int = cast(int, bounded(1, 0, 5))
    credits_day: int = cast(int, bounded(60, 10, 10_000))
    batch_bytes: int = cast(int, bounded(1200, 100, 64_000))
    every_h: float = bounded(6.0, 0.1, 720.0)
    bin_m: float = bounded(10.0, 0.1, 1000.0)
    surface_m: float = bounded(2.0, 0.0, 1000.0)
    frame_ml: float = bounded(0.0, 0.0, 1e6)
    ack_wait_s: float = bounded(120.0, 0.1, 300.0)
    resend_h: float = bounded(6.0, 0.0, 720.0)
    hello_h: float = bounded(24.0, 0.1, 8760.0)


def check_carriers(
    link: LinkConfig, budget: BudgetConfig, mqtt: MqttConfig, satellite: SatelliteConfig, file: str
) -> None:
    """Raises ConfigError for carriers that cannot be used as they are named."""
    if not link.carriers or len(set(link.carriers)) < len(link.carriers):
        raise ConfigError(f"{file}: [link] carriers: expected at least one, and each once")
    needed = {"mqtt": ("[mqtt] url", mqtt.url), "satellite": ("[satellite] port", satellite.port)}
    for name in link.carriers:
        key, value = needed.get(name, ("", "-"))
        if not value:
            raise ConfigError(f"{file}: {key}: missing, and [link] carriers names {name}")
    for key in ("https_mb", "mqtt_mb"):
        if 0 < getattr(budget, key) < BUDGET_MIN_MB:
            raise ConfigError(
                f"{file}: [budget] {key}: expected 0 (no limit) or {BUDGET_MIN_MB} or more:"
                " the largest record must fit into a day"
            )
