"""The C kernel of the network: the reference's integers on every path, and never a byte too far."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from models import native
from models.bundle import Bundle
from models.network import Layer, Network
from models.preprocess import Prepared, prepare
from models.runtimes import MissingRuntimeError
from models.runtimes import native as kernel
from models.runtimes.native import PATHS, NativeRuntime
from models.runtimes.reference import ReferenceRuntime
from models.sites import Tables, build_tables

SOURCES = Path(__file__).parents[2] / "edge/native"
HERE = tuple(PATHS) if native.LIBRARY is None else kernel.paths()
MASKS = hnp.arrays(np.bool_, hnp.array_shapes(min_dims=2, max_dims=2, max_side=15)).filter(np.any)

pytestmark = pytest.mark.skipif(native.LIBRARY is None, reason=native.REASON or "loaded")


def of_masks(masks: list[np.ndarray], seed: int = 0) -> list[Prepared]:
    random = np.random.default_rng(seed)
    return [prepare(random.integers(0, 256, m.shape).astype(np.uint8), m) for m in masks]


def assert_reference(network: Network, tables: Tables, paths: Sequence[str] = HERE) -> np.ndarray:
    expected = ReferenceRuntime(network).run(tables)
    for path in paths:
        found = NativeRuntime(network, path).run(tables)
        assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
        np.testing.assert_array_equal(found, expected, err_msg=path)
    return expected


@given(
    st.lists(st.tuples(st.integers(1, 37), st.integers(0, 3)), min_size=1, max_size=5),
    st.lists(MASKS, max_size=5),
    st.integers(0, 2**32 - 1),
)
@settings(deadline=None, max_examples=60)
def test_any_plan_and_objects(
    draw_network: Callable[..., Network],
    levels: list[tuple[int, int]],
    masks: list[np.ndarray],
    seed: int,
) -> None:
    widths, near = zip(*levels, strict=True)
    network = draw_network(widths, seed, near)
    assert_reference(network, build_tables(of_masks(masks, seed), network.levels))


def test_hundreds_of_objects_through_the_shipped_network(
    factory_bundle: Bundle, draw_prepared: Callable[..., list[Prepared]]
) -> None:
    prepared = [*draw_prepared(300, 2), *factory_bundle.golden.prepared]
    tables = build_tables(prepared, factory_bundle.network.levels)
    assert len(np.unique(assert_reference(factory_bundle.network, tables))) > 50


@pytest.mark.parametrize("weight", [-127, 127])
@pytest.mark.parametrize("pixel", [0, 1, 255])
@pytest.mark.parametrize("gain", [1e-9, 1.0, 1e30])
def test_extremes(
    draw_network: Callable[..., Network], weight: int, pixel: int, gain: float
) -> None:
    """Products that would saturate 16 bits, and scaled sums far beyond what an int32 holds."""
    network = draw_network((9, 17, 33, 48), 1)
    flat = []
    for layer in network.layers:
        weights = np.full_like(layer.weights, weight)
        weights[:, ::3] *= -1
        scale = (layer.weight_scale * gain).astype(np.float32)
        flat.append(replace(layer, weights=weights, weight_scale=scale))
    masks = [np.ones((31, 17), np.bool_), np.ones((1, 1), np.bool_)]
    tables = build_tables([prepare(np.full(m.shape, pixel, np.uint8), m) for m in masks])
    assert_reference(Network(tuple(flat)), tables)


@pytest.mark.parametrize("multiplier", [0.5, 0.25, 1.5, 0.1])
def test_halves_go_to_the_even_neighbour(multiplier: float) -> None:
    """Sums -64 .. 63 times the multiplier: the halves lie between integers of both kinds."""
    bias = np.arange(-64, 64, dtype=np.int32) * 5
    layer = Layer(
        "children", 1, 1, np.zeros((2, 128), np.int8), bias, np.ones(128, np.float32),
        np.float32(multiplier), np.float32(1),
    )  # fmt: skip
    x0 = np.zeros((1, 2), np.uint8)
    tables = Tables(x0, (np.zeros((1, 1), np.int32),), (), np.ones(1, np.int32))
    assert_reference(Network((layer,)), tables)


def test_no_sites_at_all(draw_network: Callable[..., Network]) -> None:
    network = draw_network((8, 16, 32, 48), 0)
    assert assert_reference(network, build_tables([])).shape == (0, 48)


@pytest.mark.parametrize("entry", [-1, -(2**31), 2**31 - 1, None])
def test_a_site_that_is_not_there_is_refused(
    draw_network: Callable[..., Network], entry: int | None
) -> None:
    network = draw_network((8, 16, 32, 48), 0)
    tables = build_tables(of_masks([np.ones((20, 20), np.bool_)]))
    tables.near[2][1, 4] = entry if entry is not None else len(tables.near[2]) + 1
    for path in HERE:
        with pytest.raises(RuntimeError, match="code 5"):
            NativeRuntime(network, path).run(tables)


def test_weights_that_are_too_short_are_refused(draw_network: Callable[..., Network]) -> None:
    runtime = NativeRuntime(draw_network((8, 16, 32, 48), 0))
    runtime._packed[3].weights = runtime._packed[3].weights[:-1].copy()
    with pytest.raises(RuntimeError, match="code 4"):
        runtime.run(build_tables(of_masks([np.ones((5, 5), np.bool_)])))


def test_channels_that_do_not_follow_each_other_are_refused(
    draw_network: Callable[..., Network],
) -> None:
    network = draw_network((8, 16, 32, 48), 0)
    odd = Network((*network.layers[:2], *draw_network((8, 9, 32, 48), 0).layers[3:]))
    with pytest.raises(RuntimeError, match="code 1"):
        NativeRuntime(odd).run(build_tables(of_masks([np.ones((5, 5), np.bool_)])))


def test_a_path_of_another_processor_is_refused(draw_network: Callable[..., Network]) -> None:
    network = draw_network((8, 16, 32, 48), 0)
    for path in set(PATHS) - set(HERE):
        with pytest.raises(MissingRuntimeError, match=path):
            NativeRuntime(network, path)


def test_without_the_library_it_says_what_models_native_says(
    draw_network: Callable[..., Network], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(native, "LIBRARY", None)
    monkeypatch.setattr(native, "REASON", "installed without a C compiler")
    with pytest.raises(MissingRuntimeError, match=r"^native: installed without a C compiler$"):
        NativeRuntime(draw_network((8, 16, 32, 48), 0))


# --- the same source built otherwise: with sanitizers, and for AArch64 under emulation

BUILDS = {
    "sanitized": ("cc", ("-fsanitize=address,undefined", "-fno-sanitize-recover"), ()),
    "unoptimized": ("cc", ("-O0",), ()),
    "cortex-a53": (
        "aarch64-linux-gnu-gcc",
        ("-O3", "-static"),
        ("qemu-aarch64", "-cpu", "cortex-a53"),
    ),
    "aarch64-dot": ("aarch64-linux-gnu-gcc", ("-O3", "-static"), ("qemu-aarch64", "-cpu", "max")),
}
PATHS_OF_BUILD = {"cortex-a53": {"scalar", "neon"}, "aarch64-dot": {"scalar", "neon", "dot"}}


@pytest.fixture(scope="module", params=list(BUILDS))
def driver(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The command that runs tests/models/network_driver.c, and the paths that it has."""
    compiler, flags, emulator = BUILDS[request.param]
    for tool in (compiler, *emulator[:1]):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")
    program = tmp_path_factory.mktemp("driver") / "driver"
    sources = [Path(__file__).parent / "network_driver.c", *sorted(SOURCES.glob("network*.c"))]
    strict = ("-std=c99", "-Wall", "-Wextra", "-pedantic", "-Werror", "-ffp-contract=off")
    subprocess.run(
        [compiler, *strict, *flags, f"-I{SOURCES}", *map(str, sources), "-o", str(program)],
        check=True, timeout=120,
    )  # fmt: skip
    command = [*emulator, str(program)]
    groups = _output([*command, "groups"]).split()
    found = {path for path, group in zip(PATHS, groups, strict=True) if group != "0"}
    assert found == PATHS_OF_BUILD.get(request.param, set(HERE))
    return command


@pytest.mark.parametrize("widths", [(8, 16, 32, 48), (3, 5, 7, 9)])
def test_other_builds_give_the_same_integers(
    draw_network: Callable[..., Network],
    driver: list[str],
    widths: tuple[int, ...],
    tmp_path: Path,
    draw_prepared: Callable[..., list[Prepared]],
) -> None:
    network = draw_network(widths, sum(widths))
    groups = [int(group) for group in _output([*driver, "groups"]).split()]
    for count in (0, 1, 9):
        tables = build_tables(draw_prepared(count, 40 + count))
        for path, group in zip(PATHS, groups, strict=True):
            if group:
                case = tmp_path / f"{path}-{count}"
                case.write_bytes(_case(network, tables, path, group))
                done = subprocess.run([*driver, str(case)], check=False, timeout=120)
                assert done.returncode == 0, f"{path}, {count} objects"


def _output(command: list[str]) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout


def _case(network: Network, tables: Tables, path: str, group: int) -> bytes:
    """What network_driver.c reads."""
    x0 = tables.x0
    parts = [np.array([PATHS[path], len(network.layers), *x0.shape], np.int32), x0]
    for layer in network.layers:
        packed, table = kernel._Packed(layer, group), layer.table_of(tables)
        sizes = (*table.shape, layer.channels_in, layer.channels_out, packed.weights.nbytes)
        parts += [np.array(sizes, np.int32), table]
        parts += [packed.weights, packed.bias, packed.multiplier]
    parts.append(ReferenceRuntime(network).run(tables))
    return b"".join(part.tobytes() for part in parts)
