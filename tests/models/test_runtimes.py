"""Every runtime computes the same integers, on drawn networks and the shipped one."""

from __future__ import annotations

import io
import sys
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from models import native, runtimes
from models.archive import pack_arrays, unpack_arrays
from models.bundle import Bundle
from models.export_onnx import to_onnx
from models.export_tflite import to_tflite
from models.golden import draw_objects
from models.network import POOLINGS, Network, NetworkError
from models.preprocess import Prepared, prepare
from models.runtimes import MissingRuntimeError, embed, load
from models.runtimes import native as kernel
from models.runtimes.litert import LiteRtRuntime
from models.runtimes.reference import ReferenceRuntime, feature_maps
from models.sites import Tables, build_tables

ENGINES = ("onnx", "litert", *(("native",) if native.LIBRARY else ()))
# LiteRT without XNNPACK rounds in fixed point. Measured on the shipped network: see docs/models.md.
WITHOUT_DELEGATE_STEPS = 6
WITHOUT_DELEGATE_SHARE = 0.3


def graphs_of(network: Network) -> dict[str, bytes]:
    return {"network.onnx": to_onnx(network), "network.tflite": to_tflite(network)}


@pytest.fixture(scope="module")
def objects(draw_prepared: Callable[..., list[Prepared]]) -> list[Prepared]:
    """A few hundred objects of all kinds."""
    random = np.random.default_rng(7)
    drawn = [prepare(s, m) for _ in range(8) for s, m in draw_objects(random)]
    return [*drawn, *draw_prepared(200, 11)]


def real_objects(path: Path, count: int) -> list[Prepared]:
    prepared = []
    with zipfile.ZipFile(path) as archive:
        names = [n for n in archive.namelist() if n.endswith(".webp")]
        for name in names[:: len(names) // count][:count]:
            with Image.open(io.BytesIO(archive.read(name))) as image:
                grey = np.asarray(image.convert("L"))
            prepared.append(prepare(grey, grey > 0))
    return prepared


def slow_integers(network: Network, tables: Tables) -> np.ndarray:
    """The definition once more, in int64 and without a matrix product in floating point."""
    sites = tables.x0.astype(np.int64)
    for layer in network.layers:
        table = layer.table_of(tables)
        gathered = sites[table].reshape(len(table), -1)
        sums = gathered @ layer.weights.astype(np.int64) + layer.bias
        scaled = sums.astype(np.float32) * layer.multiplier
        values = np.clip(np.rint(scaled), 0, 255).astype(np.int64)
        sites = np.concatenate([np.zeros((1, values.shape[1]), np.int64), values])
    return sites[1:]


def test_the_reference_is_the_definition(
    draw_network: Callable[..., Network], objects: list[Prepared]
) -> None:
    for network in (draw_network(), draw_network((4, 8, 8, 12, 16), 1, (0, 1, 2, 1, 2))):
        tables = build_tables(objects[:60], network.levels)
        np.testing.assert_array_equal(
            ReferenceRuntime(network).run(tables), slow_integers(network, tables)
        )


@pytest.mark.parametrize("engine", [*ENGINES, "reference"])
def test_tables_of_another_number_of_levels_are_refused(
    engine: str, factory_bundle: Bundle, objects: list[Prepared]
) -> None:
    runtime = load(engine, factory_bundle.network, factory_bundle.graphs)
    for levels in {3, 4, 5} - {factory_bundle.network.levels}:
        with pytest.raises(ValueError, match="levels; it has"):
            runtime.run(build_tables(objects[:3], levels))


@pytest.mark.parametrize(
    ("widths", "near"),
    [
        ((8, 16, 32, 48), (1, 1, 1, 1)), ((16, 16, 32, 64), (0, 2, 1, 3)),
        ((3, 5, 7, 9), (1, 0, 2, 0)), ((8, 8, 16, 24, 32), (1, 2, 2, 2, 3)),
    ],
)  # fmt: skip
@pytest.mark.parametrize("engine", ENGINES)
def test_equal_integers_with_drawn_weights(
    engine: str,
    widths: tuple[int, ...],
    near: tuple[int, ...],
    draw_network: Callable[..., Network],
    objects: list[Prepared],
) -> None:
    """Weights over the whole int8 range: 16-bit saturation inside a kernel would show here."""
    network = draw_network(widths, sum(widths), near)
    runtime = load(engine, network, graphs_of(network))
    for batch in (objects, objects[40:], objects[:1]):  # shapes change from call to call
        tables = build_tables(batch, network.levels)
        expected = ReferenceRuntime(network).run(tables)
        assert len(batch) == 1 or len(np.unique(expected)) > 50
        np.testing.assert_array_equal(runtime.run(tables), expected)


@pytest.mark.parametrize("engine", ENGINES)
def test_equal_integers_of_the_shipped_network(
    engine: str, factory_bundle: Bundle, objects: list[Prepared]
) -> None:
    tables = build_tables(objects)
    expected = ReferenceRuntime(factory_bundle.network).run(tables)
    runtime = load(engine, factory_bundle.network, factory_bundle.graphs)
    np.testing.assert_array_equal(runtime.run(tables), expected)


@pytest.mark.data
def test_equal_integers_on_real_objects(factory_bundle: Bundle, spc_zip: Path) -> None:
    """Every integer of the last feature map, of over a thousand objects."""
    network = factory_bundle.network
    engines = {name: load(name, network, factory_bundle.graphs) for name in ENGINES}
    if native.LIBRARY:
        engines |= {
            f"native {path}": kernel.NativeRuntime(network, path) for path in kernel.paths()
        }
    objects = real_objects(spc_zip, 1020)
    assert len(objects) >= 1000
    for first in range(0, len(objects), 255):
        tables = build_tables(objects[first : first + 255], network.levels)
        expected = ReferenceRuntime(network).run(tables)
        for name, runtime in engines.items():
            np.testing.assert_array_equal(runtime.run(tables), expected, err_msg=name)


def test_litert_without_its_delegate_stays_close(
    factory_bundle: Bundle, objects: list[Prepared]
) -> None:
    tables = build_tables(objects)
    graph = factory_bundle.graphs["network.tflite"]
    runtime = LiteRtRuntime(factory_bundle.network, graph, delegate=False)
    expected = ReferenceRuntime(factory_bundle.network).run(tables)
    difference = np.abs(runtime.run(tables).astype(int) - expected)
    assert difference.max() <= WITHOUT_DELEGATE_STEPS
    assert (difference > 0).mean() <= WITHOUT_DELEGATE_SHARE


def test_litert_does_not_chatter(factory_bundle: Bundle, capfd: pytest.CaptureFixture[str]) -> None:
    tables = build_tables(factory_bundle.golden.prepared)
    load("litert", factory_bundle.network, factory_bundle.graphs).run(tables)
    print("said by others", file=sys.stderr)
    assert capfd.readouterr().err == "said by others\n"


@pytest.mark.parametrize("engine", [*ENGINES, "reference"])
def test_no_objects(engine: str, factory_bundle: Bundle) -> None:
    tables = build_tables([])
    features = load(engine, factory_bundle.network, factory_bundle.graphs).run(tables)
    assert features.shape == (0, factory_bundle.network.feature_width)
    for pooling in POOLINGS:
        width = Network(factory_bundle.network.layers, pooling).embedding_width
        assert embed(features, tables.object_sites, pooling).shape == (0, width)


def test_auto_takes_the_first_that_is_there(
    factory_bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    network, graphs = factory_bundle.network, factory_bundle.graphs
    assert load("auto", network, graphs).name == ("native" if kernel.quick() else "litert")

    def missing(_: Network, __: Mapping[str, bytes], ___: int) -> None:
        raise MissingRuntimeError("not installed")

    with monkeypatch.context() as plain:
        plain.setattr("models.runtimes.native.paths", lambda: ("scalar",))
        assert load("auto", network, graphs).name == "litert"
    monkeypatch.setattr("models.native.LIBRARY", None)
    assert load("auto", network, graphs).name == "litert"
    monkeypatch.setattr("models.runtimes.litert.create", missing)
    assert load("auto", network, graphs).name == "onnx"
    monkeypatch.setattr("models.runtimes.onnx.create", missing)
    assert load("auto", network, graphs).name == "reference"
    with pytest.raises(ValueError, match="expected auto"):
        load("tpu", network, graphs)


def test_a_missing_runtime_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    real = __import__("importlib").import_module

    def without(name: str) -> object:
        if name.split(".", maxsplit=1)[0] in ("onnxruntime", "ai_edge_litert", "tflite_runtime"):
            raise ImportError(f"No module named {name!r}")
        return real(name)

    monkeypatch.setattr("importlib.import_module", without)
    reasons = runtimes.available()
    assert "pip install onnxruntime" in reasons["onnx"]
    assert "pip install ai-edge-litert" in reasons["litert"]
    assert reasons["reference"] == ""


@given(st.lists(st.integers(1, 5), min_size=1, max_size=6), st.integers(0, 2**32 - 1))
def test_the_embedding_is_the_exact_mean_and_maximum(sizes: list[int], seed: int) -> None:
    random = np.random.default_rng(seed)
    features = random.integers(0, 256, (sum(sizes), 4)).astype(np.uint8)
    found = embed(features, np.array(sizes, np.int32))
    both = embed(features, np.array(sizes, np.int32), "mean+max")
    assert both.dtype == found.dtype == np.uint16
    np.testing.assert_array_equal(both[:, :4], found)
    start = 0
    for size, row, most in zip(sizes, found, both[:, 4:], strict=True):
        total = features[start : start + size].astype(object).sum(axis=0)
        assert row.tolist() == [256 * int(t) // size for t in total]
        assert most.tolist() == [256 * int(t) for t in features[start : start + size].max(axis=0)]
        start += size


def test_a_network_survives_its_file(draw_network: Callable[..., Network]) -> None:
    network = draw_network()
    back = Network.from_bytes(network.to_bytes())
    assert back.to_bytes() == network.to_bytes()
    assert back.widths == (8, 16, 32, 48)
    tables = build_tables([prepare(np.full((9, 9), 80, np.uint8), np.ones((9, 9), np.bool_))])
    for one, other in zip(feature_maps(back, tables), feature_maps(network, tables), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_network_of_another_plan_survives_its_file(draw_network: Callable[..., Network]) -> None:
    network = draw_network((4, 8, 8, 12, 16), 1, (0, 1, 2, 1, 3), "mean+max")
    back = Network.from_bytes(network.to_bytes())
    assert [layer.name for layer in back.layers][:6] == [
        "children1", "children2", "near2a", "children3", "near3a", "near3b",
    ]  # fmt: skip
    assert (back.levels, back.near, back.pooling) == (5, (0, 1, 2, 1, 3), "mean+max")
    assert back.widths == (4, 8, 8, 12, 16)
    assert (back.feature_width, back.embedding_width) == (16, 32)
    counts = (900, 300, 100, 30, 10, 4)
    assert back.macs(counts) == sum(counts[y.level] * y.weights.size for y in network.layers)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("format", np.array(1, np.int32), "format: 1, expected 2"),
        ("near", np.array([1, -1, 1, 1], np.int32), "near: expected"),
        ("near", np.array([1, 9, 1, 1], np.int32), "near: expected"),
        ("near", np.array([], np.int32), "near: expected"),
        ("near", np.array([1] * 6, np.int32), "near: expected"),
        ("near", np.array([1, 2, 1, 1], np.int32), "near2b.weights: expected"),
        ("near", np.array([1, 0, 1, 1], np.int32), "no layer uses"),
        ("near", np.array([1.0] * 4), "near: expected int32"),
        ("pooling", np.array(2, np.int32), "pooling: 2"),
        ("pooling", np.array(-1, np.int32), "pooling: -1"),
    ],
)
def test_a_plan_that_does_not_hold_is_refused(
    draw_network: Callable[..., Network], name: str, value: np.ndarray, message: str
) -> None:
    arrays = unpack_arrays(draw_network().to_bytes())
    with pytest.raises(NetworkError, match=message):
        Network.from_bytes(pack_arrays({**arrays, name: value}))


def test_a_network_that_would_not_be_exact_is_refused(
    draw_network: Callable[..., Network],
) -> None:
    network = draw_network()
    network.layers[3].bias[0] = 1 << 24
    with pytest.raises(NetworkError, match="near2a"):
        Network.from_bytes(network.to_bytes())
    network = draw_network()
    network.layers[0].weight_scale[2] = np.nan
    with pytest.raises(NetworkError, match="children1: scales"):
        Network.from_bytes(network.to_bytes())
    with pytest.raises(NetworkError):
        Network.from_bytes(b"no network")
