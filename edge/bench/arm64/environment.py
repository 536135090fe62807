"""The emulated device: an arm64 Debian with Python, the arm64 wheels, our code and the C library.

`prepare` builds it once below `build/arm64`; the code and the library are renewed each time. It
takes a checkout, Debian's `qemu-user gcc gcc-aarch64-linux-gnu mmdebstrap`, and, the first time,
the network. The wheels are those of requirements.lock, checked by their hashes.

    >>> environment = prepare(Path("build/arm64"), print)
    >>> environment.command("cortex-a53", "-c", "print(1)")
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[3]
CROSS, NATIVE = "aarch64-linux-gnu-gcc", "gcc"
_TOOLS = {
    "qemu-aarch64": "qemu-user",
    CROSS: "gcc-aarch64-linux-gnu",
    NATIVE: "gcc",
    "mmdebstrap": "mmdebstrap",
}
_SUITE, _PYTHON = "bookworm", "3.11"
_DEBIAN = ("python3.11-minimal", "libpython3.11-stdlib", "libstdc++6", "libgomp1", "zlib1g")
_WHEELS = (
    "numpy",
    "opencv-python-headless",
    "cbor2",
    "backports-zstd",
)  # what the pipeline imports
_FLAGS = ("-O3", "-std=c99", "-ffp-contract=off", "-fPIC", "-shared")


class MissingToolError(RuntimeError):
    """Something is not installed here; the text says what to install."""


@dataclass(frozen=True)
class Environment:
    folder: Path

    @property
    def plugin(self) -> Path:
        return self.folder / "libcount.so"

    def command(self, cpu: str, *words: str, plugin: str = "") -> list[str]:
        """A command line that runs the emulated Python; `plugin` holds the plugin's arguments."""
        with_plugin = ["-plugin", f"{self.plugin},{plugin}"] if plugin else []
        python = self.folder / "root" / "usr" / "bin" / f"python{_PYTHON}"
        root = str(self.folder / "root")
        return ["qemu-aarch64", "-cpu", cpu, *with_plugin, "-L", root, str(python), *words]

    @property
    def variables(self) -> dict[str, str]:
        """Of its processes: where Python looks, and one thread, so that counts are the same."""
        return {
            "PYTHONPATH": f"{self.folder / 'code'}:{self.folder / 'wheels'}",
            "PYTHONHASHSEED": "0",
            "PYTHONDONTWRITEBYTECODE": "1",
            "OPENBLAS_NUM_THREADS": "1",
        }


def missing(names: Sequence[str] = tuple(_TOOLS)) -> list[str]:
    """Debian packages to install."""
    return [_TOOLS[name] for name in names if shutil.which(name) is None]


def prepare(folder: Path, say: Callable[[str], None]) -> Environment:
    """Build what is not there yet. Raises MissingToolError."""
    built = (folder / "root").exists() and (folder / "wheels").exists()
    wanted = missing([tool for tool in _TOOLS if not (built and tool == "mmdebstrap")])
    if wanted:
        raise MissingToolError(f"install {' '.join(wanted)}")
    if not (CHECKOUT / "requirements.lock").exists():
        raise MissingToolError("needs a checkout: the sources and requirements.lock")
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    environment = Environment(folder)
    _once(folder / "root", _make_root, "fetching an arm64 Debian", say)
    _once(folder / "wheels", _make_wheels, "fetching the arm64 wheels", say)
    _copy_code(folder / "code")
    sources = [str(path) for path in sorted((CHECKOUT / "edge" / "native").glob("*.c"))]
    _run([CROSS, *_FLAGS, *sources, "-lm", "-o", str(folder / "code" / "models" / "_native.so")])
    plugin = str(Path(__file__).with_name("count.c"))
    _run([NATIVE, "-O2", "-fPIC", "-shared", plugin, "-o", str(environment.plugin)])
    return environment


def _once(
    target: Path, make: Callable[[Path], None], what: str, say: Callable[[str], None]
) -> None:
    """Make a folder that is whole or not there."""
    if target.exists():
        return
    say(f"{what} (once)")
    half = target.with_name(target.name + ".half")
    shutil.rmtree(half, ignore_errors=True)
    make(half)
    half.rename(target)


def _make_root(target: Path) -> None:
    packages = ",".join(_DEBIAN)
    _run([
        "mmdebstrap", "--quiet", "--arch=arm64", "--variant=extract", f"--include={packages}",
        _SUITE, str(target),
    ])  # fmt: skip


def _make_wheels(target: Path) -> None:
    lock = target.with_name("wheels.lock")
    lock.write_text(_locked((CHECKOUT / "requirements.lock").read_text(encoding="utf-8")))
    platforms = [f"--platform=manylinux{tag}_aarch64" for tag in ("_2_28", "_2_27", "2014")]
    _run([
        sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-deps",
        "--require-hashes", "--only-binary=:all:", "--implementation=cp",
        f"--python-version={_PYTHON}", *platforms, "--target", str(target), "-r", str(lock),
    ])  # fmt: skip


def _locked(lock: str) -> str:
    """The entries of a few packages, for the emulated Python, without their markers."""
    entries = lock.replace("\\\n", " ").splitlines()
    chosen = []
    for entry in entries:
        name, _, rest = entry.partition("==")
        head, _, hashes = rest.partition("--hash")
        pinned, _, marker = head.partition(";")
        if name in _WHEELS and ">= '3.12'" not in marker:
            chosen.append(f"{name}=={pinned.strip()} --hash{hashes}")
    return "\n".join(chosen) + "\n"


def _copy_code(target: Path) -> None:
    shutil.rmtree(target, ignore_errors=True)
    for package in ("wire", "models", "edge"):
        ignored = shutil.ignore_patterns("__pycache__", "_native*", "*.c", "*.h", "training")
        shutil.copytree(CHECKOUT / package, target / package, ignore=ignored)


def _run(command: list[str]) -> None:
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise MissingToolError(f"{command[0]} failed: {done.stderr.strip()[-600:]}")
