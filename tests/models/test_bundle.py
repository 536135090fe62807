"""A release proves itself: every byte is accounted for, and this machine's runtime is asked."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models import factory
from models.archive import pack, unpack
from models.bundle import Bundle, BundleError, assemble, with_head, write_bundle
from models.golden import make_golden
from models.head import Examples, Head
from models.measure_table import INDEX, MEASURES
from models.network import Network
from models.runtimes.litert import LiteRtRuntime
from models.runtimes.reference import ReferenceRuntime
from models.sites import Tables


def repacked(bundle: Bundle, change: Callable[[dict[str, bytes]], None]) -> bytes:
    """The bundle with changed members and a manifest that agrees with them."""
    members = unpack(bundle.data)
    change(members)
    manifest = json.loads(members["manifest.json"])
    for name in list(manifest["files"]):
        if name in members:
            data = members[name]
            digest = hashlib.sha256(data).hexdigest()
            manifest["files"][name] = {"sha256": digest, "size": len(data)}
    if "network.npz" in members:
        manifest["network"] = manifest["files"]["network.npz"]["sha256"]
    members["manifest.json"] = json.dumps(manifest).encode()
    return pack(members)


def with_manifest(bundle: Bundle, **fields: object) -> bytes:
    members = unpack(bundle.data)
    manifest = json.loads(members["manifest.json"]) | fields
    return pack({**members, "manifest.json": json.dumps(manifest).encode()})


@pytest.fixture(scope="module")
def other_head(factory_bundle: Bundle) -> Head:
    random = np.random.default_rng(1)
    width = factory_bundle.network.embedding_width
    examples = Examples(
        random.integers(0, 65536, (90, width)).astype(np.uint16),
        random.normal(size=(90, 4)).astype(np.float32),
        random.normal(size=(90, len(MEASURES))).astype(np.float32),
        ["bubble", "fibre", "nauplius"] * 30,
    )
    return Head.fit(examples)


@pytest.mark.parametrize("runtime", ["auto", "litert", "onnx", "reference"])
def test_the_factory_release_proves_itself(factory_bundle: Bundle, runtime: str) -> None:
    test = factory_bundle.self_test(runtime)
    assert test.ok, test.reason
    assert test.ms_per_object > 0
    assert len(factory_bundle.data) < 1_000_000
    assert factory_bundle.manifest["classes"] == list(factory_bundle.classes)
    manifest = unpack(factory_bundle.data)["manifest.json"]
    assert factory_bundle.release_id == hashlib.sha256(manifest).hexdigest()


def test_the_card_gives_the_held_out_figures(factory_bundle: Bundle) -> None:
    card = factory_bundle.card
    assert {row["taxon"] for row in card["taxa"]} == set(factory_bundle.classes)
    assert sum(row["support"] for row in card["taxa"]) == card["summary"]["objects"]
    confusion = np.array(card["confusion"]["rows_are_truth"])
    accuracy = np.trace(confusion) / confusion.sum()
    assert card["summary"]["accuracy"] == pytest.approx(accuracy, abs=1e-4)
    text = unpack(factory_bundle.data)["card.md"].decode()
    for word in ("Split", "Licence", "Limits", "left out", *factory_bundle.classes):
        assert word in text


@given(st.data())
@settings(deadline=None, max_examples=60)
def test_any_changed_bit_is_refused(data: st.DataObject) -> None:
    content = bytearray(factory.path().read_bytes())
    place = data.draw(st.integers(0, 8 * len(content) - 1))
    content[place // 8] ^= 1 << (place % 8)
    with pytest.raises(BundleError):
        Bundle.load(bytes(content))


@given(st.binary(max_size=300))
def test_anything_else_is_refused(data: bytes) -> None:
    with pytest.raises(BundleError):
        Bundle.load(data)


def test_missing_and_extra_members_are_named(factory_bundle: Bundle) -> None:
    with pytest.raises(BundleError, match=r"missing \['head\.npz'\]"):
        Bundle.load(repacked(factory_bundle, lambda m: m.pop("head.npz") and None))
    with pytest.raises(BundleError, match=r"not expected \['run\.sh'\]"):
        Bundle.load(repacked(factory_bundle, lambda m: m.update({"run.sh": b"#!"})))


def test_a_member_that_is_not_the_manifests_is_named(factory_bundle: Bundle) -> None:
    members = unpack(factory_bundle.data)
    for name in ("network.onnx", "card.md", "head.npz"):
        with pytest.raises(BundleError, match=name):
            Bundle.load(pack({**members, name: members[name] + b"\n"}))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"format": 2}, "format 2, expected 1"),
        ({"measures_version": 999}, "measures_version 999"),
        ({"classes": ["a"]}, "classes"),
        ({"files": {}}, "files must name"),
        ({"network": "0" * 64}, "network is not the hash"),
        ({"name": 3}, "name must be a str"),
    ],
)
def test_a_manifest_that_does_not_fit(
    factory_bundle: Bundle, fields: dict[str, object], message: str
) -> None:
    with pytest.raises(BundleError, match=message):
        Bundle.load(with_manifest(factory_bundle, **fields))


def test_unknown_manifest_fields_of_a_later_version_are_kept(factory_bundle: Bundle) -> None:
    bundle = Bundle.load(with_manifest(factory_bundle, colour="later"))
    assert bundle.manifest["colour"] == "later"
    assert bundle.release_id != factory_bundle.release_id


def test_parts_that_do_not_belong_together_are_refused(
    factory_bundle: Bundle, draw_network: Callable[..., Network]
) -> None:
    wider = draw_network((8, 16, 32, 40))
    with pytest.raises(BundleError, match="width"):
        Bundle.load(repacked(factory_bundle, lambda m: m.update({"network.npz": wider.to_bytes()})))


def test_another_network_fails_the_self_test(
    factory_bundle: Bundle, draw_network: Callable[..., Network]
) -> None:
    """Hashes agree, but the network is not the one that made the golden vectors."""
    factory = factory_bundle.network
    network = draw_network(factory.widths, near=factory.near, pooling=factory.pooling)
    bundle = Bundle.load(
        repacked(factory_bundle, lambda m: m.update({"network.npz": network.to_bytes()}))
    )
    test = bundle.self_test("reference")
    assert not test.ok
    assert "golden embedding values differ" in test.reason
    assert bundle.self_test("onnx").ok  # its graph is still the right one


def test_another_head_fails_the_self_test(factory_bundle: Bundle) -> None:
    head = factory_bundle.head
    changed = Head(**{**head.__dict__, "weights": head.weights[:, ::-1].copy()})
    bundle = Bundle.load(
        repacked(factory_bundle, lambda m: m.update({"head.npz": changed.to_bytes()}))
    )
    assert "golden probability differs" in bundle.self_test("auto").reason


def test_a_runtime_that_rounds_otherwise_fails_the_self_test(factory_bundle: Bundle) -> None:
    graph = factory_bundle.graphs["network.tflite"]
    test = factory_bundle.self_test(LiteRtRuntime(factory_bundle.network, graph, delegate=False))
    assert not test.ok
    assert "golden embedding values differ" in test.reason


def test_a_runtime_that_breaks_is_a_failed_test(factory_bundle: Bundle) -> None:
    class Broken(ReferenceRuntime):
        def run(self, tables: Tables) -> np.ndarray:
            raise MemoryError("no memory for the tables")

    test = factory_bundle.self_test(Broken(factory_bundle.network))
    assert not test.ok
    assert "MemoryError" in test.reason


def test_with_head_keeps_the_network(factory_bundle: Bundle, other_head: Head) -> None:
    card = {"name": "bay", "summary": {"accuracy": 0.5}}
    data = with_head(factory_bundle, other_head, other_head.classes, card, "bay")
    assert data == with_head(factory_bundle, other_head, other_head.classes, card, "bay")
    bundle = Bundle.load(data)
    assert bundle.classes == ("bubble", "fibre", "nauplius")
    assert bundle.name == "bay"
    assert bundle.release_id != factory_bundle.release_id
    assert bundle.network.sha256 == factory_bundle.network.sha256
    assert bundle.graphs == factory_bundle.graphs
    assert bundle.self_test("auto").ok
    np.testing.assert_array_equal(bundle.golden.embedding, factory_bundle.golden.embedding)
    with pytest.raises(BundleError, match="classes"):
        with_head(factory_bundle, other_head, ("a", "b", "c"), card, "bay")


def test_assembling_again_gives_the_same_bytes(factory_bundle: Bundle) -> None:
    def assembled(bundle: Bundle) -> bytes:
        return assemble(
            name=bundle.name,
            created=bundle.manifest["created"],
            network=bundle.network,
            graphs=bundle.graphs,
            head=bundle.head,
            card=bundle.card,
        )

    once = assembled(factory_bundle)
    assert assembled(Bundle.load(once)) == once


def test_a_bundle_of_older_measures_holds_as_long_as_its_head_uses_none_newer(
    factory_bundle: Bundle,
) -> None:
    def of_measures(first: list[int]) -> Bundle:
        columns = np.resize(first, len(factory_bundle.head.columns)).astype(np.int32)
        head = replace(factory_bundle.head, columns=columns)
        return Bundle.load(with_head(factory_bundle, head, head.classes, {}, "old"))

    version_1 = [i for i, m in enumerate(MEASURES) if m.version == 1 and m.kind != "place"]
    old = with_manifest(of_measures(version_1), measures_version=1)
    assert Bundle.load(old).self_test("reference").ok
    newer = of_measures([*version_1[1:], INDEX["euler_number"]])
    with pytest.raises(BundleError, match="euler_number as version 2"):
        Bundle.load(with_manifest(newer, measures_version=1))


def test_golden_objects_are_of_all_kinds(factory_bundle: Bundle) -> None:
    golden = factory_bundle.golden
    assert len(golden.prepared) >= 10
    assert max(p.level for p in golden.prepared) >= 1
    assert min(p.mask.size for p in golden.prepared) == 1
    assert (golden.embedding > 0).any(axis=0).mean() > 0.5  # most channels say something
    back = make_golden(factory_bundle.network, factory_bundle.head)
    np.testing.assert_array_equal(back.embedding, golden.embedding)


def test_writing_is_whole_or_not_at_all(factory_bundle: Bundle, tmp_path) -> None:
    path = tmp_path / "new" / "a.seadrift"
    assert write_bundle(path, factory_bundle.data) == factory_bundle.release_id
    with pytest.raises(BundleError):
        write_bundle(path, factory_bundle.data[:-1])
    assert Bundle.load(path).release_id == factory_bundle.release_id
    assert [p.name for p in path.parent.iterdir()] == ["a.seadrift"]
