"""What a person tells an instrument: one TOML file, read once, into frozen dataclasses.

Every key has a unit in its name, a default where one is sensible, and a line in
docs/configuration.md (a test compares the two). Relative paths are relative to the file's folder,
so a configuration means the same from wherever the agent is started.

Example:
    >>> config = load(Path("instrument.toml"))
    >>> config.outbox.max_mb
    512
"""

import tomllib
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from edge.config_link import (
    BudgetConfig,
    LinkConfig,
    MqttConfig,
    SatelliteConfig,
    check_carriers,
)
from edge.links.address import check_url
from edge.segment import SegmentSettings
from edge.tables import ConfigError, bounded, check_keys, fill
from wire.mqtt import AddressError, read_address

if TYPE_CHECKING:
    from edge.simulator import SimSettings


@dataclass(frozen=True)
class DeviceConfig:
    """[device]: the instrument itself."""

    name: str
    data: str
    board: str = "desktop"
    clock: Literal["auto", "system"] = "auto"
    health_s: float = bounded(60.0, 1.0, 86400.0)


@dataclass(frozen=True)
class ShoreConfig:
    """[shore]: where records go; without a url the instrument only collects."""

    url: str = ""
    claim: str = ""
    claim_file: str = ""
    ca: str = ""
    insecure: bool = False


@dataclass(frozen=True)
class SourceConfig:
    """[source]: where frames come from. `frames` 0 means all that there are."""

    kind: Literal["simulator", "folder", "zip"]
    path: str = ""
    frames: int = cast(int, bounded(0, 0))
    interval_s: float = bounded(0.0, 0.0, 86400.0)
    simulator: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class FramesConfig:
    """[frames]: which whole frames go to shore, when nothing else waits."""

    keep_every: int = cast(int, bounded(0, 0, 10_000_000))
    send_bad: bool = False


@dataclass(frozen=True)
class AcquisitionConfig:
    """[acquisition]: EcoTaxa's levels above the object, and the optics."""

    project: str
    sample: str
    acquisition: str
    process: str
    instrument: str
    pixel_um: float = field(metadata={"low": 0.01, "high": 1000.0})
    field: Literal["dark", "bright"] = "dark"


@dataclass(frozen=True)
class MeasuresConfig:
    """[measures]: whether the costly ones are taken too."""

    tier: Literal["all", "fast"] = "all"


@dataclass(frozen=True)
class ClassifyConfig:
    """[classify]: which runtime computes the network."""

    runtime: Literal["auto", "native", "litert", "onnx", "reference"] = "auto"


@dataclass(frozen=True)
class OutboxConfig:
    """[outbox]: how much of the disk unsent records may take."""

    max_mb: int = cast(int, bounded(512, 2, 1_000_000))
    reserve_mb: int = cast(int, bounded(4, 0, 1000))


@dataclass(frozen=True)
class UpdatesConfig:
    """[updates]: how a new release proves itself before it is trusted."""

    trial_frames: int = cast(int, bounded(5, 0, 100_000))
    trial_wait_s: float = bounded(30.0, 0.0, 86400.0)
    slower_at_most: float = bounded(3.0, 1.0, 100.0)


@dataclass(frozen=True)
class Config:
    """The whole file. `folder` is where it lies; `resolve` makes a path in it absolute."""

    device: DeviceConfig
    source: SourceConfig
    frames: FramesConfig
    acquisition: AcquisitionConfig
    shore: ShoreConfig
    mqtt: MqttConfig
    segment: SegmentSettings
    measures: MeasuresConfig
    classify: ClassifyConfig
    outbox: OutboxConfig
    link: LinkConfig
    budget: BudgetConfig
    updates: UpdatesConfig
    satellite: SatelliteConfig
    folder: Path

    @property
    def data(self) -> Path:
        return self.resolve(self.device.data)

    def resolve(self, path: str) -> Path:
        return (self.folder / Path(path).expanduser()).absolute()


ENDLESS = 10_000_000
"""Frames of a simulated run that has no end: four months at one a second."""
_FROM_ACQUISITION = ("pixel_um", "field")
"""Keys of SegmentSettings that [acquisition] gives, so that they are said once."""
TABLES: dict[str, type[Any]] = {
    "device": DeviceConfig,
    "source": SourceConfig,
    "frames": FramesConfig,
    "acquisition": AcquisitionConfig,
    "shore": ShoreConfig,
    "mqtt": MqttConfig,
    "segment": SegmentSettings,
    "measures": MeasuresConfig,
    "classify": ClassifyConfig,
    "outbox": OutboxConfig,
    "link": LinkConfig,
    "budget": BudgetConfig,
    "updates": UpdatesConfig,
    "satellite": SatelliteConfig,
}


def keys(table: str) -> list[str]:
    """The keys that a table of the file may hold."""
    names = [f.name for f in fields(TABLES[table])]
    return [n for n in names if table != "segment" or n not in _FROM_ACQUISITION]


def load(path: Path) -> Config:
    """The configuration in `path`. Raises ConfigError, one sentence for a person."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigError(f"{path}: no such file") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not TOML: {error}") from error
    return build(data, path)


def build(data: dict[str, Any], path: Path) -> Config:
    """The configuration in decoded TOML; `path` names it in messages. Raises ConfigError."""
    name = str(path)
    check_keys(data, TABLES, name, "")
    for table in ("device", "source", "acquisition"):
        if table not in data:
            raise ConfigError(f"{name}: [{table}]: missing")
    parts = {
        table: fill(cls, data.get(table, {}), name, table)
        for table, cls in TABLES.items()
        if table != "segment"
    }
    parts["segment"] = _segment(data.get("segment", {}), parts["acquisition"], name)
    config = Config(**parts, folder=path.absolute().parent)
    _check(config, name)
    return config


def _segment(data: Any, acquisition: AcquisitionConfig, file: str) -> SegmentSettings:
    if isinstance(data, dict):
        check_keys(data, keys("segment"), file, "segment")
        data = {**data, "pixel_um": acquisition.pixel_um, "field": acquisition.field}
    try:
        return fill(SegmentSettings, data, file, "segment")
    except ConfigError:
        raise
    except ValueError as error:  # the settings' own check of what belongs together
        raise ConfigError(f"{file}: [segment] {error}") from error


def simulator(config: Config, file: str = "") -> "SimSettings":
    """The simulated instrument's settings: field and pixel size are the acquisition's unless the
    table has its own; without `frames` it never ends. Raises ConfigError."""
    from edge.simulator import SettingsError, SimSettings

    table = dict(config.source.simulator)
    known = {"truth", "preset", *(f.name for f in fields(SimSettings))}
    check_keys(table, known, file, "source.simulator")
    if not isinstance(table.pop("truth", ""), str):
        raise ConfigError(f"{file}: [source.simulator] truth: expected a path")
    ours = {
        "field": config.acquisition.field,
        "pixel_um": config.acquisition.pixel_um,
        "frames": config.source.frames or ENDLESS,
    }
    try:
        return SimSettings.from_mapping({**ours, **table})
    except SettingsError as error:
        raise ConfigError(f"{file}: [source.simulator] {error}") from error


def _check(config: Config, file: str) -> None:
    """What no single key can say."""
    if config.source.kind == "simulator":
        simulator(config, file)
    if config.source.kind != "simulator" and not config.source.path:
        raise ConfigError(f"{file}: [source] path: missing (kind is {config.source.kind})")
    if config.shore.url:
        try:
            check_url(config.shore.url, insecure=config.shore.insecure)
        except ConfigError as error:
            raise ConfigError(f"{file}: {error}") from error
    if config.mqtt.url:
        try:
            read_address(config.mqtt.url)
        except AddressError as error:
            raise ConfigError(f"{file}: [mqtt] url: {error}") from error
    if config.shore.claim and config.shore.claim_file:
        raise ConfigError(f"{file}: [shore] claim: give it or claim_file, not both")
    check_carriers(config.link, config.budget, config.mqtt, config.satellite, file)
    if config.outbox.reserve_mb * 2 > config.outbox.max_mb:
        raise ConfigError(f"{file}: [outbox] reserve_mb: expected at most half of max_mb")
    for table, key in (("device", "name"), ("device", "data"), ("acquisition", "sample")):
        if not getattr(getattr(config, table), key).strip():
            raise ConfigError(f"{file}: [{table}] {key}: expected text, got nothing")


def with_frames(config: Config, frames: int) -> Config:
    """The same instrument, stopping after `frames` frames."""
    return replace(config, source=replace(config.source, frames=frames))
