"""The shipped network on AArch64: every runtime's integers, on real objects, under emulation.

Needs build/arm64-runtimes (hardware/arm64/make_root.sh, or `make arm64`); skipped where that is
absent.
"""

from __future__ import annotations

import io
import shutil
import subprocess
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from models import factory
from models.batch import batch_crops
from models.bundle import Bundle
from models.crops import Crops
from models.runtimes import embed
from models.runtimes.reference import ReferenceRuntime

ROOT = Path(__file__).parents[2]
ARM64 = ROOT / "build/arm64-runtimes"
OBJECTS = 120
PATHS = {"cortex-a53": {"neon", "scalar"}, "max": {"dot", "neon", "scalar"}}


def real_crops(path: Path, count: int) -> Crops:
    """Every so many-th picture, cut to its object; black is the background there."""
    objects = []
    with zipfile.ZipFile(path) as archive:
        names = [n for n in archive.namelist() if n.endswith(".webp")]
        for name in names[:: len(names) // count][:count]:
            with Image.open(io.BytesIO(archive.read(name))) as image:
                grey = np.asarray(image.convert("L"))
            rows, columns = (np.flatnonzero((grey > 0).any(axis=axis)) for axis in (1, 0))
            tight = grey[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
            objects.append((tight, tight > 0, 0, 0))
    return Crops.of(objects)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This checkout's models/ with the C library built for AArch64."""
    if not (ARM64 / "qemu-aarch64").exists():
        pytest.skip(f"{ARM64} is not there: make arm64 builds it")
    if shutil.which("aarch64-linux-gnu-gcc") is None:
        pytest.skip("aarch64-linux-gnu-gcc is not installed")
    folder = tmp_path_factory.mktemp("arm64")
    shutil.copytree(
        ROOT / "models", folder / "models", ignore=shutil.ignore_patterns("_native*", "__pycache__")
    )
    sources = map(str, sorted((ROOT / "edge/native").glob("*.c")))
    subprocess.run(
        ["aarch64-linux-gnu-gcc", "-std=c99", "-O3", "-ffp-contract=off", "-shared", "-fPIC",
         *sources, "-lm", "-o", str(folder / "models/_native.so")],
        check=True, timeout=200,
    )  # fmt: skip
    return folder


@pytest.mark.data
@pytest.mark.parametrize("processor", list(PATHS))
def test_every_runtime_gives_the_integers_of_the_reference(
    processor: str, tree: Path, spc_zip: Path, factory_bundle: Bundle, tmp_path: Path
) -> None:
    crops = real_crops(spc_zip, OBJECTS)
    assert len(crops) >= 100
    parts = {name: getattr(crops, name) for name in ("boxes", "starts", "masks", "signals")}
    np.savez(tmp_path / "objects.npz", **parts)
    done = subprocess.run(
        [str(ARM64 / "qemu-aarch64"), "-cpu", processor, "-L", str(ARM64 / "root"),
         "-E", f"PYTHONPATH={tree}:{ARM64 / 'site'}", "-E", "PYTHONDONTWRITEBYTECODE=1",
         str(ARM64 / "root/usr/bin/python3.11"), str(ROOT / "hardware/arm64/agreement.py"),
         str(factory.path()), str(tmp_path / "objects.npz"), str(tmp_path / "out.npz")],
        check=False, capture_output=True, text=True, timeout=230,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = np.load(tmp_path / "out.npz")
    assert found["machine"] == "aarch64"
    engines = {*(f"native.{path}" for path in PATHS[processor]), "onnx", "litert"}
    assert set(found.files) == {
        "machine", "shape", "embedding", *(f"features.{name}" for name in engines)
    }, done.stdout  # fmt: skip
    batch, network = batch_crops(crops, factory_bundle.network.levels), factory_bundle.network
    features = ReferenceRuntime(network).run(batch.tables)
    for name in engines:
        np.testing.assert_array_equal(found[f"features.{name}"], features, err_msg=name)
    expected = embed(features, batch.tables.object_sites, network.pooling)
    np.testing.assert_array_equal(found["embedding"], expected)
    np.testing.assert_allclose(found["shape"], batch.shape, rtol=1e-6)  # logarithms in float
