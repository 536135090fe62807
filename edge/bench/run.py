"""One run of the benchmark: every figure, then the targets."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import cv2

from edge.bench import energy, link, memory, scenes, targets
from edge.bench.arm64.environment import CHECKOUT
from edge.bench.device import Lap, laps
from edge.bench.peers import measures, networks
from edge.bench.scenes import SETTINGS, Scene
from edge.segment import Background, Segmentation, segment
from models import factory
from models.bundle import Bundle
from models.figures import Row, best_ms, missing
from models.gemm_limit import gemm_limit_ms
from models.preprocess import prepare
from models.runtimes import PREFERRED, MissingRuntimeError, load
from models.sites import build_tables

Say = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """How much is measured. `counts` holds 0 and 100 at least."""

    counts: tuple[int, ...] = (0, 20, 100, 500)
    turns: int = 10
    boards: str = ""  # of the emulated ones: all, or one
    emulate: bool = True


QUICK = Plan(counts=(0, 100), turns=4, boards="zero2w")


@dataclass(frozen=True)
class Frames:
    """What is timed. `real` is the reason why there are none, or the frames."""

    drawn: Mapping[int, Scene]  # by the number of objects
    noise: Scene
    real: list[Scene] | str

    @property
    def of_objects(self) -> list[Scene]:
        return [*self.drawn.values(), *([] if isinstance(self.real, str) else self.real)]


def measure(plan: Plan, say: Say) -> tuple[list[Row], list[Row]]:
    """All figures, and the targets. Needs the factory bundle; what is not installed says so."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    cv2.setNumThreads(1)
    say("drawing the frames")
    drawn = dict(zip(plan.counts, scenes.of_objects(plan.counts), strict=True))
    frames = Frames(drawn, scenes.of_noise(), scenes.of_instruments())
    native, fallback = _device([*frames.of_objects, frames.noise], plan.turns, say)
    rows = [_read_pass(drawn[0], plan.turns), *_device_rows(native, fallback)]
    if isinstance(frames.real, str):
        rows.append(missing("real dark field frames", frames.real))
    peers, over = _peers(frames, plan.turns, say)
    say("measuring peak memory")
    memory_row = _peak(drawn[100])
    joules = energy.rows(list(drawn.values()), say, plan.boards) if plan.emulate else []
    say("coding what goes over the link")
    link_rows, link_target = link.measure(plan.turns)
    speed = targets.Speed(
        whole={count: native[scene.name].total_ms for count, scene in drawn.items()},
        fallback={count: fallback[scene.name].total_ms for count, scene in drawn.items()},
        kept={count: native[scene.name].objects for count, scene in drawn.items()},
        noise=native[frames.noise.name].total_ms,
        noise_kept=native[frames.noise.name].objects,
        network_over_gemm=over.get(drawn[100].name),
        peak_mb=memory_row.value,
        marginal_j=_value(joules, f"zero2w, {drawn[100].name}: marginal energy"),
    )
    accuracy = targets.accuracy_rows(CHECKOUT / "docs" / "benchmarks" / "results.json")
    reached = [*targets.speed_rows(speed), link_target, *accuracy]
    return [*rows, *peers, memory_row, *joules, *link_rows], reached


def _peers(frames: Frames, turns: int, say: Say) -> tuple[list[Row], dict[str, float]]:
    """Others' measures and networks on each frame, and how far ours is from the limit on it."""
    bundle = Bundle.load(factory.path())
    found = {scene.name: _segmented(scene) for scene in frames.of_objects}
    over: dict[str, float] = {}
    say("timing the peers' measures")
    rows = [
        row for scene in frames.of_objects
        for row in _measure_rows(scene, found[scene.name], turns)
    ]  # fmt: skip
    say("timing the networks")
    for name, segmentation in found.items():
        rows += _network_rows(name, segmentation, bundle, turns, over)
    return rows, over


def _value(rows: Sequence[Row], name: str) -> float | None:
    return next((row.value for row in rows if row.name == name), None)


def _read_pass(scene: Scene, turns: int) -> Row:
    value = best_ms(lambda: cv2.norm(scene.grey, cv2.NORM_L1), 3 * turns)
    return Row("one read pass over the frame", value, "ms")


def _device(
    every: Sequence[Scene], turns: int, say: Say
) -> tuple[Mapping[str, Lap], Mapping[str, Lap]]:
    say("timing the pipeline as shipped")
    native = {lap.frame: lap for lap in laps(every, turns, native=True)}
    say("timing the pipeline without the C library")
    fallback = {lap.frame: lap for lap in laps(every, max(2, turns // 3), native=False)}
    return native, fallback


def _device_rows(native: Mapping[str, Lap], fallback: Mapping[str, Lap]) -> list[Row]:
    rows = []
    for name, ours in native.items():
        plain = fallback[name]
        rows.append(Row(f"{name}: objects kept", ours.objects, "objects"))
        rows.append(Row(f"{name}: specks", ours.specks, "specks"))
        rows += [Row(f"{name}: {stage}", ms, "ms") for stage, ms in ours.ms.items()]
        rows.append(Row(f"{name}: whole frame", ours.total_ms, "ms"))
        rows.append(Row(f"{name}: beside it, objects in Python", ours.looked_at_ms, "ms"))
        rows += [Row(f"{name}: {stage}, fallback", ms, "ms") for stage, ms in plain.ms.items()]
        rows.append(Row(f"{name}: whole frame, fallback", plain.total_ms, "ms"))
        rows.append(Row(f"{name}: fallback over ours", plain.total_ms / ours.total_ms, "times"))
    return rows


def _segmented(scene: Scene) -> Segmentation:
    return segment(scene.grey, Background("dark"), SETTINGS)


def _measure_rows(scene: Scene, found: Segmentation, turns: int) -> list[Row]:
    labels = measures.label_image(found.regions, scene.grey.shape)
    few = max(1, turns // 5)
    head = f"{scene.name}: measures of the same regions, "
    try:
        table = measures.skimage_ms(labels, scene.grey, few)
        how, morphocut = measures.morphocut_ms(labels, scene.grey, few)
    except ImportError:
        why = "not installed (pip install scikit-image)"
        return [missing(head + "scikit-image", why), missing(head + "morphocut", why)]
    return [
        Row(head + "scikit-image", table, "ms"),
        Row(f"{head}morphocut ({how})", morphocut, "ms"),
    ]


def _network_rows(
    name: str, found: Segmentation, bundle: Bundle, turns: int, over: dict[str, float]
) -> list[Row]:
    """Every runtime on the frame's objects, the limit, and the dense networks."""
    regions = found.regions
    tables = build_tables([prepare(r.signal, r.mask) for r in regions], bundle.network.levels)
    times: dict[str, float] = {}
    rows = []
    for runtime_name in PREFERRED:
        try:
            runtime = load(runtime_name, bundle.network, bundle.graphs, 1)
        except MissingRuntimeError as error:
            rows.append(missing(f"{name}: network, {runtime_name}", f"not installed ({error})"))
            continue
        few = 1 if runtime_name == "reference" else turns
        times[runtime_name] = best_ms(partial(runtime.run, tables), few)
        rows.append(Row(f"{name}: network, {runtime_name}", times[runtime_name], "ms"))
    macs = bundle.network.macs(tables.site_counts)
    rows.append(Row(f"{name}: multiply-accumulates", macs / 1e6, "million"))
    if regions:
        limits = gemm_limit_ms(bundle.network, tables.site_counts, turns)
        rows += [Row(f"{name}: int8 GEMM, {engine}", ms, "ms") for engine, ms in limits.items()]
        if "native" in times:
            over[name] = times["native"] / limits["limit"]
            rows.append(Row(f"{name}: native network over the limit", over[name], "times"))
    try:
        rows += _dense_rows(name, len(regions), bundle, max(2, turns // 3))
    except ImportError:
        rows.append(
            missing(f"{name}: dense networks", "not installed (pip install onnx onnxruntime)")
        )
    return rows


def _dense_rows(name: str, objects: int, bundle: Bundle, turns: int) -> list[Row]:
    dense = networks.network_ms(networks.dense(bundle.network), networks.DENSE_SIDE, objects, turns)
    mobile = networks.network_ms(
        networks.mobile(len(bundle.classes)), networks.MOBILE_SIDE, objects, turns
    )
    return [
        Row(f"{name}: dense int8 CNN of equal widths, 64 x 64", dense, "ms"),
        Row(f"{name}: MobileNetV3-small int8, 96 x 96", mobile, "ms"),
    ]


def _peak(scene: Scene) -> Row:
    try:
        return Row("peak memory of seadrift-edge process, 100 objects", memory.peak_mb(scene), "MB")
    except RuntimeError as error:
        return missing("peak memory of seadrift-edge process, 100 objects", str(error))
