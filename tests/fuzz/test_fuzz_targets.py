"""A short slice of the fuzzing (`make fuzz`): drawn inputs, sanitizers on, every target."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from pathlib import Path
from types import ModuleType

import pytest

HERE = Path(__file__).parent
SANITIZE = "address,undefined"
INPUTS = 1500


def load_tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("seadrift_fuzz", HERE / "fuzz.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


fuzz = load_tool()


def compiler_with_sanitizers(folder: Path) -> str | None:
    probe = folder / "probe.c"
    probe.write_text("int main(void) { return 0; }\n")
    for name in ("gcc", "clang"):
        path = shutil.which(name)
        if path is None:
            continue
        words = [path, f"-fsanitize={SANITIZE}", str(probe), "-o", str(folder / "probe")]
        if subprocess.run(words, check=False, capture_output=True).returncode == 0:
            return path
    return None


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, list[Path], Path]:
    """A compiler, the library's objects, and a folder for programs."""
    folder = tmp_path_factory.mktemp("fuzz")
    compiler = compiler_with_sanitizers(folder)
    if compiler is None:
        pytest.skip("no C compiler with the address and undefined sanitizers (gcc or clang)")
    return compiler, fuzz.library(compiler, SANITIZE, folder / "objects"), folder / "bin"


@pytest.mark.parametrize("target", fuzz.targets())
def test_drawn_inputs_find_nothing(built: tuple[str, list[Path], Path], target: str) -> None:
    compiler, objects, folder = built
    program = fuzz.build(compiler, SANITIZE, target, objects, folder, HERE / "replay.c")
    kept = sorted(map(str, (HERE / "kept" / target).glob("*")))  # inputs that once found something
    environment = os.environ | {"ASAN_OPTIONS": fuzz.ASAN + ":detect_leaks=0"}
    for words in ([str(INPUTS)], kept):
        done = subprocess.run(
            [str(program), *words], check=False, capture_output=True, text=True, env=environment
        )
        assert done.returncode == 0, done.stderr[-3000:]


def test_every_part_of_the_library_has_a_target() -> None:
    """A function that C offers and no target calls is not fuzzed."""
    harnesses = "".join(path.read_text() for path in HERE.glob("fuzz_*.c"))
    for header in sorted(fuzz.NATIVE.glob("*.h")):
        for line in header.read_text().splitlines():
            if line.startswith("SEADRIFT_EXPORT") and "_version(" not in line:
                name = line.split("(")[0].split()[-1]
                assert name in harnesses, f"{header.name}: no fuzz target calls {name}"


def test_the_log_names_the_sources(tmp_path: Path) -> None:
    assert len(fuzz.source_hash()) == 16
    assert {"segment", "prepare", "sites", "network"} <= set(fuzz.targets())
