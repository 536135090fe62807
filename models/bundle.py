"""A release: everything that turns an object into a taxon, in one file that can prove itself.

Members of a `*.seadrift` file (a stored zip in one canonical form, models/archive.py):

    manifest.json    format, name, classes, sizes and hashes of the rest; its SHA-256 is the
                     release id
    network.npz      the integers (models/network.py)
    network.onnx, network.tflite   the same as graphs
    head.npz         models/head.py
    golden.npz       objects, their embeddings bit by bit, their probabilities (models/golden.py)
    card.json, .md   what it was trained on, how good it is, what it cannot do

Invariant: `Bundle.load` gives a bundle only if every byte is accounted for: members exactly these,
sizes and hashes as the manifest says, arrays as the network and head need them. `self_test` then
asks the runtime of this very machine for the golden embeddings, bit by bit.

Example:
    >>> bundle = Bundle.load("models/factory/spc.seadrift")
    >>> bundle.self_test("auto").ok
    True
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from models.archive import MAX_ARCHIVE_BYTES, ArchiveError, pack, unpack
from models.card import as_markdown
from models.golden import PROBABILITY_TOLERANCE, Golden, make_golden
from models.head import Head, HeadError
from models.measure_table import MEASURES, MEASURES_VERSION
from models.network import Network, NetworkError
from models.preprocess import CHANNELS, MAX_ESD_PX
from models.runtimes import MissingRuntimeError, Runtime, embed, load
from models.sites import build_tables

FORMAT = 1
GRAPHS = ("network.onnx", "network.tflite")
_CONTENT = ("card.json", "card.md", "golden.npz", "head.npz", "network.npz", *GRAPHS)
_SELF_TEST_RUNS = 3


class BundleError(ValueError):
    """The bundle must not be used; the text names the member and what is wrong with it."""


@dataclass(frozen=True)
class SelfTest:
    ok: bool
    reason: str  # empty when ok
    ms_per_object: float  # of the golden objects on this machine; 0 when nothing ran


@dataclass(frozen=True)
class Bundle:
    release_id: str  # 64 hex digits
    manifest: Mapping[str, Any]
    network: Network
    graphs: Mapping[str, bytes]
    head: Head
    golden: Golden
    card: Mapping[str, Any]
    data: bytes  # the file itself

    @property
    def name(self) -> str:
        return str(self.manifest["name"])

    @property
    def classes(self) -> tuple[str, ...]:
        return self.head.classes

    @classmethod
    def load(cls, source: str | Path | bytes) -> Bundle:
        """Reads and checks a bundle. Raises BundleError, or OSError if the file cannot be read."""
        if not isinstance(source, bytes):
            size = Path(source).stat().st_size
            if size > MAX_ARCHIVE_BYTES:
                raise BundleError(f"{source}: {size} bytes; at most {MAX_ARCHIVE_BYTES} are read")
            source = Path(source).read_bytes()
        try:
            members = unpack(source)
        except ArchiveError as error:
            raise BundleError(f"bundle: {error}") from error
        manifest = _checked_manifest(members)
        network = _parse(members, "network.npz", Network.from_bytes)
        head = _parse(members, "head.npz", Head.from_bytes)
        golden = _parse(members, "golden.npz", Golden.from_bytes)
        card = _parse(members, "card.json", _json_object)
        bundle = cls(
            hashlib.sha256(members["manifest.json"]).hexdigest(), manifest, network,
            {name: members[name] for name in GRAPHS}, head, golden, card, source,
        )  # fmt: skip
        _check_together(bundle)
        return bundle

    def self_test(self, runtime: str | Runtime = "auto") -> SelfTest:
        """Whether this machine's runtime gives the golden embeddings, bit by bit, and how fast."""
        try:
            if isinstance(runtime, str):
                runtime = load(runtime, self.network, self.graphs)
            return _compare(self, runtime)
        except MissingRuntimeError as error:
            return SelfTest(False, str(error), 0.0)
        except Exception as error:  # a broken runtime must count as a failed test, never as a crash
            return SelfTest(False, f"the runtime failed: {type(error).__name__}: {error}", 0.0)


def assemble(
    *,
    name: str,
    created: str,
    network: Network,
    graphs: Mapping[str, bytes],
    head: Head,
    card: Mapping[str, Any],
) -> bytes:
    """A bundle's bytes; the same parts give the same bytes. created: ISO 8601 UTC, or empty.

    graphs: network.onnx and network.tflite (models/export_onnx.py, models/export_tflite.py).
    """
    members = {
        "card.json": _json_bytes(card),
        "card.md": as_markdown(card).encode(),
        "golden.npz": make_golden(network, head).to_bytes(),
        "head.npz": head.to_bytes(),
        "network.npz": network.to_bytes(),
        **{graph: graphs[graph] for graph in GRAPHS},
    }
    manifest = {
        "format": FORMAT,
        "name": name,
        "created": created,
        "classes": list(head.classes),
        "network": hashlib.sha256(members["network.npz"]).hexdigest(),
        "measures_version": MEASURES_VERSION,
        "input": {"channels": CHANNELS, "max_esd_px": MAX_ESD_PX},
        "card": card.get("summary", {}),
        "files": {
            member: {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}
            for member, data in members.items()
        },
    }
    data = pack({**members, "manifest.json": _json_bytes(manifest)})
    Bundle.load(data)
    return data


def with_head(
    bundle: Bundle,
    head: Head,
    classes: Sequence[str],
    card: Mapping[str, Any],
    name: str,
    created: str = "",
) -> bytes:
    """A new bundle with the same network and another head: what the shore makes.

    Raises BundleError if `classes` are not the head's, in its order.
    """
    if tuple(classes) != head.classes:
        raise BundleError("classes: must be the head's own, in its order")
    return assemble(
        name=name,
        created=created,
        network=bundle.network,
        graphs=bundle.graphs,
        head=head,
        card=card,
    )


def write_bundle(path: str | Path, data: bytes) -> str:
    """Writes a bundle; the file is the old one or the whole new one. Returns the release id."""
    release_id = Bundle.load(data).release_id
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".part")
    with partial.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
    return release_id


def _json_bytes(value: Mapping[str, Any]) -> bytes:
    text = json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False)
    return text.encode() + b"\n"


def _json_object(data: bytes) -> dict[str, Any]:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise BundleError(f"not JSON: {error}") from error
    if not isinstance(value, dict):
        raise BundleError("expected a JSON object")
    return value


def _parse(members: Mapping[str, bytes], name: str, reader: Any) -> Any:
    try:
        return reader(members[name])
    except (ArchiveError, NetworkError, HeadError, BundleError) as error:
        raise BundleError(f"{name}: {error}") from error


def _checked_manifest(members: Mapping[str, bytes]) -> dict[str, Any]:
    """The manifest, once every member is there and is what it says. Unknown fields are kept."""
    names = set(members)
    if names != {*_CONTENT, "manifest.json"}:
        missing = sorted({*_CONTENT, "manifest.json"} - names)
        extra = sorted(names - {*_CONTENT, "manifest.json"})
        raise BundleError(f"bundle: members missing {missing}, not expected {extra}")
    manifest: dict[str, Any] = _parse(members, "manifest.json", _json_object)
    if manifest.get("format") != FORMAT:
        raise BundleError(f"manifest.json: format {manifest.get('format')!r}, expected {FORMAT}")
    for field, kind in (("name", str), ("created", str), ("classes", list), ("files", dict)):
        if not isinstance(manifest.get(field), kind):
            raise BundleError(f"manifest.json: {field} must be a {kind.__name__}")
    version = manifest.get("measures_version")
    if not isinstance(version, int) or not 1 <= version <= MEASURES_VERSION:
        raise BundleError(
            f"manifest.json: measures_version {version!r}; "
            f"this program computes versions 1 to {MEASURES_VERSION}"
        )
    if set(manifest["files"]) != set(_CONTENT):
        raise BundleError(f"manifest.json: files must name {', '.join(_CONTENT)}")
    for name in _CONTENT:
        expected = {"sha256": hashlib.sha256(members[name]).hexdigest(), "size": len(members[name])}
        if manifest["files"][name] != expected:
            raise BundleError(f"{name}: its size or hash is not what manifest.json says")
    if manifest.get("network") != manifest["files"]["network.npz"]["sha256"]:
        raise BundleError("manifest.json: network is not the hash of network.npz")
    return manifest


def _check_together(bundle: Bundle) -> None:
    golden, head = bundle.golden, bundle.head
    if list(head.classes) != bundle.manifest["classes"]:
        raise BundleError("head.npz: its classes are not those of manifest.json")
    if head.embedding_width != bundle.network.embedding_width:
        raise BundleError("head.npz: does not fit the width of network.npz")
    if golden.embedding.shape[1] != bundle.network.embedding_width:
        raise BundleError("golden.npz: does not fit the width of network.npz")
    version = bundle.manifest["measures_version"]
    for column in head.columns.tolist():
        if MEASURES[column].version > version:
            raise BundleError(
                f"head.npz: uses {MEASURES[column].name} as version {MEASURES[column].version} of "
                f"the measures defines it; the bundle was made with version {version}"
            )
    least = 1 + max(head.columns.tolist(), default=-1)
    if not least <= golden.measures.shape[1] <= len(MEASURES):
        raise BundleError(f"golden.npz: expected {least} to {len(MEASURES)} measures")
    if golden.probabilities.shape[1] != len(head.classes):
        raise BundleError("golden.npz: does not fit the classes of head.npz")


def _compare(bundle: Bundle, runtime: Runtime) -> SelfTest:
    golden = bundle.golden
    seconds = []
    for _ in range(_SELF_TEST_RUNS):
        start = time.perf_counter()
        tables = build_tables(golden.prepared, bundle.network.levels)
        features = runtime.run(tables)
        embedding = embed(features, tables.object_sites, bundle.network.pooling)
        seconds.append(time.perf_counter() - start)
    ms_per_object = 1000 * min(seconds) / len(golden.prepared)
    if not np.array_equal(embedding, golden.embedding):
        difference = np.abs(embedding.astype(np.int64) - golden.embedding.astype(np.int64))
        return SelfTest(
            False,
            f"{runtime.name}: {np.count_nonzero(difference)} of {difference.size} golden embedding "
            f"values differ, by up to {difference.max() / 256:.2f} of 255",
            ms_per_object,
        )
    measures = np.zeros((len(golden.measures), len(MEASURES)), np.float32)
    measures[:, : golden.measures.shape[1]] = golden.measures  # an older version has fewer
    found = bundle.head.probabilities(embedding, golden.shape, measures)
    worst = float(np.abs(found - golden.probabilities).max())
    if not worst <= PROBABILITY_TOLERANCE:
        return SelfTest(False, f"a golden probability differs by {worst:.4f}", ms_per_object)
    return SelfTest(True, "", ms_per_object)
