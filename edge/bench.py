"""What a frame costs, side by side in one run: every figure beside the limit it could reach.

Milliseconds mean little on another machine; ratios within one run do. So one read pass over the
frame, the fallbacks and the other runtimes are timed beside what ships, each as the best of several
turns of one thread. No figure here decides a test.

Example:
    >>> rows = measure(densities=(0, 100), turns=5, say=print)
    >>> rows[0].name, rows[0].unit
    ('one read pass over the frame', 'ms')
"""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import cv2

from edge.frames import Frame
from edge.pipeline import Pipeline
from edge.segment import Background, SegmentSettings, segment, segment_by_outlines
from edge.simulator import Simulator, preset
from models import factory
from models.bundle import Bundle
from models.classifier import Classifier
from models.preprocess import prepare, prepare_numpy
from models.runtimes import PREFERRED, MissingRuntimeError, load
from models.sites import Tables, build_tables, build_tables_numpy

PIXEL_UM = 10.0


@dataclass(frozen=True)
class Row:
    """One figure. `target` and `holds` are None where the figure is only there to compare with."""

    name: str
    value: float
    unit: str
    target: str | None = None
    holds: bool | None = None


def best_ms(work: Callable[[], object], turns: int) -> float:
    """The quickest of `turns` runs after one that warms up, milliseconds."""
    work()
    times = []
    for _ in range(turns):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return min(times) * 1e3


def measure(densities: Sequence[int], turns: int, say: Callable[[str], None]) -> list[Row]:
    """The rows of `build/bench/edge.json`. Needs the factory bundle; a runtime that is not
    installed has no row."""
    cv2.setNumThreads(1)
    bundle = Bundle.load(factory.path())
    rows: list[Row] = []
    for density in densities:
        say(f"rendering and timing a frame of {density} organisms")
        frame = _frame(density)
        if not rows:
            rows.append(_read_pass(frame, turns))
        rows += _whole_frame(frame, bundle, density, turns)
        rows += _segmentation(frame, density, turns)
    say("timing the network on the objects of the last frame")
    rows += _network(_frame(max(densities)), bundle, turns)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    rows.append(Row("peak memory of this process", peak, "MB"))
    return rows


def _frame(density: int) -> Frame:
    settings = preset("darkfield", seed=5, density=density, pixel_um=PIXEL_UM)
    return Simulator(settings).frame(0).frame


def _read_pass(frame: Frame, turns: int) -> Row:
    value = best_ms(lambda: cv2.norm(frame.grey, cv2.NORM_L1), turns)
    return Row("one read pass over the frame", value, "ms")


def _whole_frame(frame: Frame, bundle: Bundle, density: int, turns: int) -> list[Row]:
    """Each stage on a background that has settled, and the whole."""
    pipeline = Pipeline(SegmentSettings(pixel_um=PIXEL_UM, field="dark"), Classifier(bundle))
    pipeline.process(frame)
    laps = [pipeline.process(frame) for _ in range(turns)]
    whole = min(laps, key=lambda lap: sum(lap.ms.values()))
    objects = len(whole.objects)
    stages = [Row(f"{density} organisms: {k}", v, "ms") for k, v in whole.ms.items()]
    total = Row(f"{density} organisms: whole frame", sum(whole.ms.values()), "ms")
    return [Row(f"{density} organisms: objects kept", objects, "objects"), *stages, total]


def _segmentation(frame: Frame, density: int, turns: int) -> list[Row]:
    """The same frame through both ways of finding components, each on a settled background."""
    wanted = SegmentSettings(pixel_um=PIXEL_UM, field="dark")
    shipped = best_ms(partial(segment, frame.grey, Background("dark"), wanted), turns)
    plain = best_ms(partial(segment_by_outlines, frame.grey, Background("dark"), wanted), turns)
    return [
        Row(f"{density} organisms: segmentation, as shipped", shipped, "ms"),
        Row(f"{density} organisms: segmentation, OpenCV fallback", plain, "ms"),
        Row(f"{density} organisms: OpenCV fallback over shipped", plain / shipped, "times"),
    ]


def _network(frame: Frame, bundle: Bundle, turns: int) -> list[Row]:
    """The same objects through every table builder and runtime, beside the first of each."""
    found = Pipeline(SegmentSettings(pixel_um=PIXEL_UM, field="dark")).process(frame).objects
    regions = [(o.region.signal, o.region.mask) for o in found]
    ready = best_ms(lambda: [prepare(*region) for region in regions], turns)
    defined = best_ms(lambda: [prepare_numpy(*region) for region in regions], max(2, turns // 3))
    prepared = [prepare(*region) for region in regions]
    tables = build_tables(prepared)
    native = best_ms(lambda: build_tables(prepared), turns)
    plain = best_ms(lambda: build_tables_numpy(prepared), max(2, turns // 3))
    rows = [
        Row("prepare, as shipped", ready, "ms"),
        Row("prepare, numpy", defined, "ms"),
        Row("numpy over shipped prepare", defined / ready, "times"),
        Row("site tables, as shipped", native, "ms"),
        Row("site tables, numpy", plain, "ms"),
        Row("numpy over shipped site tables", plain / native, "times"),
    ]
    return rows + _runtimes(bundle, tables, turns)


def _runtimes(bundle: Bundle, tables: Tables, turns: int) -> list[Row]:
    times: dict[str, float] = {}
    for name in PREFERRED:
        try:
            runtime = load(name, bundle.network, bundle.graphs, 1)
        except MissingRuntimeError:
            continue
        times[name] = best_ms(partial(runtime.run, tables), turns)
    first, *others = times  # the reference is always there
    ratios = [Row(f"{o} over {first}", times[o] / times[first], "times") for o in others]
    return [*(Row(f"network, {name}", ms, "ms") for name, ms in times.items()), *ratios]
