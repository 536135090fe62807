"""The C of a frame built otherwise gives the same: plain C, sanitizers, AArch64 under emulation."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

SOURCES = Path(__file__).parents[3] / "edge" / "native"
PARTS = ("background.c", "segment.c", "split.c")
STRICT = ("-std=c99", "-Wall", "-Wextra", "-pedantic", "-Werror", "-ffp-contract=off")
BUILDS = {
    "every processor": ("cc", ("-O3", "-DSEADRIFT_SCALAR"), ()),
    "sanitized": (
        "cc",
        ("-O1", "-DSEADRIFT_SCALAR", "-fsanitize=address,undefined", "-fno-sanitize-recover"),
        (),
    ),
    "unoptimized": ("cc", ("-O0",), ()),
    "cortex-a53": (
        "aarch64-linux-gnu-gcc",
        ("-O3", "-static"),
        ("qemu-aarch64", "-cpu", "cortex-a53"),
    ),
}


def said(folder: Path, compiler: str, flags: tuple[str, ...], emulator: tuple[str, ...]) -> str:
    """What frame_driver.c prints."""
    for tool in (compiler, *emulator[:1]):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")
    sources = [str(Path(__file__).parent / "frame_driver.c"), *(str(SOURCES / p) for p in PARTS)]
    program = str(folder / "driver")
    words = [compiler, *STRICT, *flags, f"-I{SOURCES}", *sources, "-o", program]
    subprocess.run(words, check=True, timeout=120)
    done = subprocess.run(
        [*emulator, program], check=True, capture_output=True, text=True, timeout=120
    )
    return done.stdout


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> str:
    return said(tmp_path_factory.mktemp("here"), "cc", ("-O3",), ())


@pytest.mark.parametrize("build", BUILDS)
def test_other_builds_give_the_same_numbers(build: str, expected: str, tmp_path: Path) -> None:
    assert len(expected) == 17
    assert said(tmp_path, *BUILDS[build]) == expected
