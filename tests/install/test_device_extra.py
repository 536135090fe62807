"""The device extra alone, in an empty environment: small, and enough to process and to run.

The environment is made by venv and filled by pip from the package index and this checkout, as a
person with a fresh board does it.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).parents[2]
LIMIT_MB = 350
FORBIDDEN = {"torch", "fastapi", "pandas", "scikit-image", "scikit-learn", "sqlalchemy", "scipy"}

pytestmark = [pytest.mark.install, pytest.mark.timeout(480), pytest.mark.xdist_group("install")]


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty environment with `seadrift[device]` in it; the versions are those of the lock."""
    where = tmp_path_factory.mktemp("board")
    subprocess.run([sys.executable, "-m", "venv", where / "env"], check=True)
    pins = where / "pins.txt"
    pins.write_text(_pins((ROOT / "requirements.lock").read_text()))
    pip = [where / "env/bin/python", "-m", "pip", "--disable-pip-version-check"]
    subprocess.run(
        [*pip, "install", "-q", "-c", pins, f"{ROOT}[device]"],
        check=True,
        env={**os.environ, "PIP_NO_INPUT": "1"},
    )
    return where


def _pins(lock: str) -> str:
    """The lock as constraints: names and versions without hashes."""
    lines = (line.removesuffix("\\").strip() for line in lock.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith(("--hash", "#")))


def _packages(board: Path) -> dict[str, str]:
    out = subprocess.run(
        [board / "env/bin/python", "-m", "pip", "list", "--format", "json"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return {p["name"].lower(): p["version"] for p in json.loads(out)}


def _installed_mb(board: Path) -> float:
    """What the packages take, without pip and setuptools, which venv put there itself."""
    site = next((board / "env/lib").glob("python3*/site-packages"))
    tools = ("pip", "setuptools", "pkg_resources", "_distutils_hack")
    total = 0
    for path in site.rglob("*"):
        if path.is_file() and not path.relative_to(site).parts[0].startswith(tools):
            total += path.stat().st_size
    return total / 1e6


def test_it_is_small_and_brings_nothing_of_the_shore(
    board: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    packages = _packages(board)
    size = _installed_mb(board)
    with capsys.disabled():
        print(f"\ndevice extra: {size:.0f} MB installed, {len(packages)} packages")
        print(", ".join(f"{name} {version}" for name, version in sorted(packages.items())))
    assert not FORBIDDEN & packages.keys()
    assert size < LIMIT_MB


def _frame(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    grey = rng.normal(12, 2, (480, 640))
    yy, xx = np.mgrid[0:480, 0:640]
    for x, y, a, b in ((120, 100, 40, 14), (400, 300, 25, 25), (520, 90, 60, 8)):
        grey[((xx - x) / a) ** 2 + ((yy - y) / b) ** 2 < 1] += 120
    return np.clip(grey, 0, 255).astype(np.uint8)


def test_process_works_alone(board: Path, tmp_path: Path) -> None:
    frames = tmp_path / "frames"
    frames.mkdir()
    for i in range(3):
        Image.fromarray(_frame(i)).save(frames / f"frame_{i}.png")
    out = subprocess.run(
        [
            *(board / "env/bin/seadrift-edge", "process", frames, "--out", tmp_path / "out"),
            *("--pixel-um", "10", "--json"),
        ],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert out.returncode == 0, out.stderr
    summary = json.loads(out.stdout)
    assert [frame["objects"] for frame in summary["frames"]] == [3, 3, 3]
    assert list((tmp_path / "out").glob("ecotaxa_*.zip"))


def test_run_keeps_what_it_sees_while_it_has_no_shore(board: Path, tmp_path: Path) -> None:
    config = tmp_path / "edge.toml"
    config.write_text(
        f"""
[device]
name = "alone"
data = "{tmp_path}/data"

[source]
kind = "simulator"
frames = 2

[source.simulator]
seed = 3
density = 12
width = 800
height = 600

[acquisition]
project = "alone"
sample = "s1"
acquisition = "a1"
process = "p1"
instrument = "simulator"
pixel_um = 20.0
"""
    )
    edge = board / "env/bin/seadrift-edge"
    ran = subprocess.run(
        [edge, "run", "--config", config, "--frames", "2", "--once"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    status = subprocess.run(
        [edge, "status", "--config", config, "--json"], capture_output=True, text=True, check=True
    )
    facts = json.loads(status.stdout)
    assert facts["frames_done"] == 2
    assert facts["pending"] > 2
