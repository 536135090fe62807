"""Fuzz the C library: every `fuzz_*.c` beside this file, with the address and undefined sanitizers.

    python tests/fuzz/fuzz.py --runs 100000          # each target, into build/fuzz
    python tests/fuzz/fuzz.py --only segment --runs 5000000

A finding stops its target, is kept as build/fuzz/NAME-crash-*, and the exit status is 1. Each run
adds a line to build/fuzz/log.jsonl: the target, its executions, and the hash of the C that ran.
Inputs that reach new code stay in build/fuzz/corpus for the next run. Needs clang with its runtime.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
NATIVE = ROOT / "edge" / "native"
FLAGS = (
    "-g", "-O1", "-std=c99", "-ffp-contract=off", "-fno-omit-frame-pointer",
    "-fno-sanitize-recover=all", f"-I{NATIVE}", f"-I{HERE}",
)  # fmt: skip
MOST_BYTES = 1024  # of an input
# Small quarantine: blocks are a few kilobytes and are freed together at the end of an input.
ASAN = "quarantine_size_mb=1:thread_local_quarantine_size_kb=64:malloc_context_size=2"


def targets() -> list[str]:
    return sorted(path.stem.removeprefix("fuzz_") for path in HERE.glob("fuzz_*.c"))


def sources() -> list[Path]:
    return sorted(NATIVE.glob("*.c"))


def source_hash() -> str:
    digest = hashlib.sha256()
    for path in sorted(NATIVE.glob("*.[ch]")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def library(compiler: str, sanitize: str, folder: Path) -> list[Path]:
    """The C library's object files. Raises RuntimeError with the compiler's words."""
    folder.mkdir(parents=True, exist_ok=True)
    objects = [folder / f"{path.stem}.o" for path in sources()]
    for source, built in zip(sources(), objects, strict=True):
        _compile(compiler, sanitize, "-c", source, "-o", built)
    return objects


def build(
    compiler: str, sanitize: str, target: str, objects: Sequence[Path], out: Path, *more: Path
) -> Path:
    """One target with the library. Raises RuntimeError with the compiler's words."""
    out.mkdir(parents=True, exist_ok=True)
    program = out / target
    harness = HERE / f"fuzz_{target}.c"
    _compile(compiler, sanitize, harness, *more, *objects, "-lm", "-o", program)
    return program


def _compile(compiler: str, sanitize: str, *words: str | Path) -> None:
    command = [compiler, *FLAGS, f"-fsanitize={sanitize}", *map(str, words)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}\n{done.stderr}")


def fuzz(program: Path, runs: int, folder: Path) -> dict[str, object]:
    """Run one target; its figures, with "finding" True if it stopped before the end."""
    corpus = folder / "corpus" / program.name
    corpus.mkdir(parents=True, exist_ok=True)
    prefix = f"-artifact_prefix={folder}/{program.name}-"
    command = [
        str(program), str(corpus), f"-runs={runs}", f"-max_len={MOST_BYTES}", prefix,
        "-print_final_stats=1", "-detect_leaks=0", "-reload=0",
    ]  # fmt: skip
    began = time.monotonic()
    environment = os.environ | {"ASAN_OPTIONS": ASAN}
    done = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False, env=environment)
    executed = re.search(r"number_of_executed_units:\s*(\d+)", done.stderr)
    edges = re.findall(r"cov: (\d+)", done.stderr)
    if done.returncode:
        print(done.stderr[-4000:], file=sys.stderr)
    return {
        "target": program.name,
        "executions": int(executed[1]) if executed else 0,
        "edges": int(edges[-1]) if edges else 0,
        "seconds": round(time.monotonic() - began),
        "source": source_hash(),
        "finding": done.returncode != 0,
    }


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Fuzz the C library with sanitizers.")
    parser.add_argument("--runs", type=int, default=100_000, help="executions of each target")
    parser.add_argument("--only", choices=targets(), help="one target")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "fuzz", metavar="DIR")
    args = parser.parse_args(words)
    compiler = shutil.which("clang")
    if compiler is None:
        print(
            "fuzzing needs clang and its runtime (Debian: clang, libclang-rt-dev)", file=sys.stderr
        )
        return 2
    found = False
    objects = library(compiler, "fuzzer-no-link,address,undefined", args.out / "objects")
    for target in [args.only] if args.only else targets():
        program = build(compiler, "fuzzer,address,undefined", target, objects, args.out / "bin")
        figures = fuzz(program, args.runs, args.out)
        with (args.out / "log.jsonl").open("a", encoding="utf-8") as log:
            log.write(json.dumps(figures) + "\n")
        print(
            f"{target:<12} {figures['executions']:>12,} executions  {figures['edges']:>5} edges  "
            f"{figures['seconds']:>6} s  {'FINDING' if figures['finding'] else 'no finding'}",
            flush=True,
        )
        found |= bool(figures["finding"])
    return int(found)


if __name__ == "__main__":
    raise SystemExit(main())
