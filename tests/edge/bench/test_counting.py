"""Counted instructions: exact, the same every time, and told apart by stage and by library."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from edge import board as boards
from edge.bench.arm64 import counting, environment
from edge.bench.arm64.counting import Counted, Stage, read_marks
from edge.bench.energy import instruction_rows, joule_rows

PLUGIN = Path(counting.__file__).with_name("count.c")
LOOP = """
#include <stdint.h>
#include <unistd.h>
#include <sys/syscall.h>
__attribute__((noinline)) void loop(long turns)
{
    while (turns-- > 0)
        __asm__ volatile("nop\\n nop\\n nop");
}
__attribute__((noinline)) void after(void) { __asm__ volatile("nop"); }
static void stage(void) { syscall(SYS_getppid, 0x5ea, 1); }
int main(void)
{
    syscall(SYS_getppid, 0x5ea, 0, (uintptr_t)loop, (uintptr_t)after);
    stage();
    loop(1000);
    stage();
    loop(3000);
    stage();
    stage();
    return 0;
}
"""


@pytest.fixture(scope="module")
def counts(tmp_path_factory: pytest.TempPathFactory) -> list[list[tuple[int, int]]]:
    """Two runs of a small program: (instructions, of the function) of each stage."""
    for tool in ("qemu-aarch64", "aarch64-linux-gnu-gcc", "gcc"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")
    folder = tmp_path_factory.mktemp("count")
    (folder / "loop.c").write_text(LOOP)
    plugin, program = folder / "libcount.so", folder / "loop"
    shared = ["gcc", "-O2", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared"]
    subprocess.run([*shared, str(PLUGIN), "-o", str(plugin)], check=True)
    cross = ["aarch64-linux-gnu-gcc", "-O1", "-static", "-fno-toplevel-reorder"]
    subprocess.run([*cross, str(folder / "loop.c"), "-o", str(program)], check=True)
    runs = []
    for turn in range(2):
        out = folder / f"marks{turn}"
        words = ["qemu-aarch64", "-cpu", "cortex-a53", "-plugin", f"{plugin},out={out}"]
        subprocess.run([*words, str(program)], check=True)
        lines = [line.split() for line in out.read_text().splitlines()]
        runs.append([(int(a), int(b)) for a, b in lines])
    return runs


def test_a_count_is_the_same_every_time(counts: list[list[tuple[int, int]]]) -> None:
    assert counts[0] == counts[1]
    assert len(counts[0]) == 4


def test_a_count_is_exact(counts: list[list[tuple[int, int]]]) -> None:
    """2,000 turns more of three instructions and the loop's own, to the last one."""
    (_, before), (few, few_inside), (many, many_inside), (none, none_inside) = counts[0]
    assert (before, none_inside) == (0, 0)
    assert (many - few) % 2000 == 0
    assert 4 <= (many - few) // 2000 <= 6
    assert many - few == many_inside - few_inside
    assert 0 < none < 100


def test_marks_and_names_meet_in_the_last_turn() -> None:
    said = {"frames": [{"name": "a", "objects": 3, "stages": ["segment", "measure"]}]}
    turns = [f"{900 + t} 9\n{10 + t} {t}\n{20 + t} {2 * t}\n" for t in range(counting._TURNS)]
    (frame,) = read_marks(json.dumps(said), "".join(turns))
    last = counting._TURNS - 1
    assert frame.stages == (
        Stage("segment", 10 + last, last),
        Stage("measure", 20 + last, 2 * last),
    )
    assert frame.instructions == 30 + 2 * last
    assert frame.library == 3 * last


def test_joules_follow_from_instructions_and_the_profile() -> None:
    board = boards.load("zero2w")
    frame = Counted("100 objects", 100, (Stage("segment", 70_000_000, 60_000_000),))
    busy, marginal, whole = joule_rows(board, frame)
    assert busy.value == pytest.approx(100.0)  # 0.7 a cycle at 1 GHz
    assert marginal.value == pytest.approx(0.045)
    assert whole.value == pytest.approx(0.645)
    assert all("assumed" in row.unit for row in (busy, marginal, whole))
    names = [row.name for row in instruction_rows(board, frame)]
    assert names[-1] == "cortex-a53, 100 objects: of it in the C library"


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(environment.MissingToolError, match="install qemu-user gcc-aarch64-linux"):
        environment.prepare(tmp_path / "arm64", print)
    assert not (tmp_path / "arm64").exists()


def test_the_wheels_are_those_of_the_lock() -> None:
    lock = (environment.CHECKOUT / "requirements.lock").read_text()
    lines = environment._locked(lock).splitlines()
    assert [line.split("==")[0] for line in sorted(lines)] == sorted(environment._WHEELS)
    assert all("--hash=sha256:" in line for line in lines)
