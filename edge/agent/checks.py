"""What can be wrong with an instrument before it is in the water: one check, one finding, a remedy.

Each check looks at one thing and never raises: what it cannot find out is a finding too.

Example:
    >>> [f.level for f in examine(config=None)]
    ['ok', 'ok', 'ok', 'ok', 'ok']
"""

import platform
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial

import apsw

from edge import board as boards
from edge.agent import link_checks
from edge.agent.finding import Finding
from edge.clock import EARLIEST_MS, SYNCHRONISED
from edge.config import Config
from edge.identity import WIPED, WIPED_SAID, Identity, IdentityError
from edge.keys import KEY
from edge.outbox import OutboxError
from edge.outbox.database import check_version
from edge.tables import ConfigError
from edge.updates.state import FACTORY
from edge.updates.store import ReleaseStore
from models import factory, native
from models.bundle import Bundle, BundleError
from models.measure_table import missing_measures

PYTHON_MIN = (3, 11)


def examine(config: Config | None) -> Iterator[Finding]:
    """Every finding, in order; those that need a configuration only with one."""
    general: tuple[Callable[[], Iterator[Finding]], ...] = (
        _python,
        _native_library,
        _runtimes,
        _sqlite,
        _factory,
    )
    particular: tuple[Callable[[Config], Iterator[Finding]], ...] = (
        _board,
        _disk,
        _clock,
        _identity,
        _measures,
        _slots,
        link_checks.shore,
        link_checks.carriers,
    )
    for check in general:
        yield from _guarded(check.__name__, check)
    if config is not None:
        for look in particular:
            yield from _guarded(look.__name__, partial(look, config))


def _guarded(name: str, check: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    try:
        yield from check()
    except Exception as error:  # a check that breaks is a finding, not an end
        yield Finding(name.strip("_"), "fail", f"{type(error).__name__}: {error}", "report this")


def _python() -> Iterator[Finding]:
    text = f"{platform.python_version()} on {platform.machine()}"
    if sys.version_info < PYTHON_MIN:
        yield Finding("python", "fail", text, "install Python 3.11 or later")
    else:
        yield Finding("python", "ok", text)


def _native_library() -> Iterator[Finding]:
    if native.LIBRARY is None:
        remedy = "install a C compiler and pip install --force-reinstall seadrift"
        yield Finding("native", "warn", f"numpy is used instead: {native.REASON}", remedy)
    else:
        yield Finding("native", "ok", "the C library builds the network's tables")


def _runtimes() -> Iterator[Finding]:
    """Each runtime on the factory release, bit by bit; one that is right is enough."""
    try:
        bundle = Bundle.load(factory.path())
    except (BundleError, OSError):
        return  # said by the check of the factory release
    tests = {name: bundle.self_test(name) for name in ("native", "litert", "onnx")}
    right = any(test.ok for test in tests.values())
    for name, test in tests.items():
        if test.ok:
            yield Finding("runtime", "ok", f"{name}: {test.ms_per_object:.2f} ms an object")
        elif not test.ms_per_object:  # it is not installed, or cannot start
            more = "; another one does" if right else ""
            yield Finding("runtime", "ok" if right else "warn", f"{name}: {test.reason}{more}")
        else:
            remedy = f"do not set [classify] runtime to {name}"
            yield Finding("runtime", "warn", f"{name}: {test.reason}", remedy)
    if not right:
        remedy = "pip install 'seadrift[device]'; until then the slow reference runtime works"
        yield Finding("runtime", "fail", "none gives the right integers", remedy)


def _sqlite() -> Iterator[Finding]:
    try:
        check_version()
        yield Finding("sqlite", "ok", apsw.sqlite_lib_version())
    except OutboxError as error:
        yield Finding("sqlite", "fail", str(error), "pip install --upgrade apsw")


def _factory() -> Iterator[Finding]:
    try:
        bundle = Bundle.load(factory.path())
    except (BundleError, OSError) as error:
        yield Finding("factory", "fail", str(error), "install seadrift again")
        return
    text = f"{bundle.release_id[:12]} {bundle.name}, {len(bundle.classes)} classes"
    yield Finding("factory", "ok", text)


def _board(config: Config) -> Iterator[Finding]:
    try:
        board = boards.load(config.device.board, config.folder)
    except ConfigError as error:
        yield Finding("board", "fail", str(error), "correct [device] board")
        return
    if board.arch != platform.machine():
        text = f"{board.name} is {board.arch}, this machine is {platform.machine()}"
        yield Finding("board", "warn", text, "correct [device] board: energy is estimated from it")
    else:
        yield Finding("board", "ok", board.name)


def _disk(config: Config) -> Iterator[Finding]:
    place = config.data
    while not place.exists():
        place = place.parent
    free_mb = shutil.disk_usage(place).free / 2**20
    wanted_mb = config.outbox.max_mb + config.outbox.reserve_mb
    text = f"{free_mb:.0f} MB free at {place}, the outbox may take {wanted_mb} MB"
    if free_mb < 64:
        yield Finding("disk", "fail", text, "make room: records cannot be kept")
    elif free_mb < wanted_mb * 1.1:
        yield Finding("disk", "warn", text, "make room, or lower [outbox] max_mb")
    else:
        yield Finding("disk", "ok", text)


def _clock(config: Config) -> Iterator[Finding]:
    now_ms = time.time_ns() // 1_000_000
    shown = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(now_ms / 1e3))
    if now_ms < EARLIEST_MS:
        remedy = "fit a clock battery or GPS; records are dated by the shore meanwhile"
        yield Finding("clock", "warn", f"{shown} is in the past", remedy)
    elif config.device.clock == "system" or SYNCHRONISED.exists():
        yield Finding("clock", "ok", shown)
    else:
        remedy = 'if this board has a GPS or clock battery, set [device] clock = "system"'
        yield Finding("clock", "warn", f"{shown}; nobody vouches for it but the shore", remedy)


def _identity(config: Config) -> Iterator[Finding]:
    folder = config.data / "identity"
    if (folder / WIPED).exists():
        identity = Identity.load_or_make(folder)
        yield Finding("key", "fail", WIPED_SAID, identity.remedy)
        return
    if not (folder / KEY).exists():
        yield Finding("key", "ok", "will be made at the first start")
        return
    mode = (folder / KEY).stat().st_mode & 0o777
    if mode & 0o077:
        remedy = f"chmod 600 {folder / KEY}, and enrol anew if others could have copied it"
        yield Finding("key", "fail", f"{folder / KEY} has mode {mode:o}", remedy)
        return
    try:
        identity = Identity.load_or_make(folder)
    except IdentityError as error:
        yield Finding("key", "fail", str(error), "restore the file, or remove it and enrol anew")
        return
    enrolment = identity.enrolment
    device = "not enrolled yet" if enrolment is None else f"device {enrolment.device_id}"
    yield Finding("key", "ok", f"{identity.public.id}, {device}")


def _measures(config: Config) -> Iterator[Finding]:
    """Whether the release that is always there can be used with what is measured."""
    tier = config.measures.tier
    try:
        missing = missing_measures(Bundle.load(factory.path()).head.columns, tier)
    except (BundleError, OSError):
        return  # said by the check of the factory release
    if missing:
        remedy = 'set [measures] tier = "all"'
        yield Finding("measures", "warn", f"factory release: {missing}", remedy)
    else:
        yield Finding("measures", "ok", f"tier {tier}")


def _slots(config: Config) -> Iterator[Finding]:
    folder = config.data / "releases"
    if not folder.exists():
        return
    store = ReleaseStore(folder)
    state = store.load()
    for slot in state.slots:
        name = f"slot {slot}"
        try:
            bundle = store.bundle(slot)
            test = bundle.self_test(config.classify.runtime)
        except (BundleError, OSError) as error:
            remedy = "it is fetched anew with the next assignment"
            yield Finding(name, "warn" if slot != state.active else "fail", str(error), remedy)
            continue
        text = f"{bundle.release_id[:12]}{' (active)' if slot == state.active else ''}"
        missing = missing_measures(bundle.head.columns, config.measures.tier)
        if missing:
            remedy = 'set [measures] tier = "all", or assign another release'
            yield Finding(name, "warn", f"{text}: {missing}", remedy)
        elif test.ok:
            yield Finding(name, "ok", text)
        else:
            yield Finding(name, "fail", f"{text}: {test.reason}", "assign another release")
    if state.active == FACTORY:
        yield Finding("release", "ok", "the factory release is active")
