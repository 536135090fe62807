# Seadrift. `make demo` shows the whole loop; `make test` proves it. Each sets up what it needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.seadrift-ready
DATA ?= ../shared/data
FUZZ_RUNS ?= 1000000
MINUTES ?= 60

FAST ?=
PAGE ?=

.PHONY: setup demo test faults bench bench-intake bench-shore energy fuzz lint fix train lock arm64

setup: $(STAMP)  ## a virtual environment in .venv with everything but torch

$(STAMP): requirements.lock pyproject.toml CMakeLists.txt $(wildcard edge/native/*.[ch])
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Seadrift needs Python 3.11 or later")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-build-isolation --no-deps -e .
	$(BIN)/python -m models.native
	touch $@

demo: setup  ## the whole loop on two simulated instruments; DEMO_EXIT=1 ends it after the table
	$(BIN)/seadrift demo $(if $(DEMO_EXIT),--exit)

test: setup
	$(BIN)/python -m pytest -n 2 --dist loadgroup -m 'not slow_faults' $(PYTEST_ARGS)

faults: setup  ## every promise under every fault, a line each; FAST=1: a slice; PAGE=1: docs/reliability.md anew
	$(BIN)/python -m tests.faults $(if $(FAST),--fast) $(if $(PAGE),--page)

bench: setup  ## ratios measured side by side in one run, also in build/bench/*.json; BENCH_ARGS=--quick
	SEADRIFT_DATA=$(DATA) $(BIN)/seadrift-edge bench --out build/bench/edge.json $(BENCH_ARGS)

bench-intake: setup  ## what the shore takes in a second, also in build/bench/intake.json
	$(BIN)/python -m server.bench.intake --out build/bench/intake.json $(BENCH_ARGS)

bench-shore: setup  ## EcoTaxa's table at 100,000 and 10,000,000 objects, also in build/bench/shore.json
	$(BIN)/seadrift bench shore --out build/bench/shore.json --plans docs/benchmarks/shore \
	  --page docs/benchmarks/shore.md $(BENCH_ARGS)
	cp build/bench/shore.json docs/benchmarks/shore.json

energy: setup  ## instructions of a frame on emulated arm64 boards, and joules (part of bench too)
	$(BIN)/python -m edge.bench.energy

fuzz: setup  ## fuzz the C library with sanitizers, FUZZ_RUNS executions of each target (needs clang)
	$(BIN)/python tests/fuzz/fuzz.py --runs $(FUZZ_RUNS)

arm64: setup  ## every runtime's integers on an emulated AArch64 (needs mmdebstrap, aarch64-linux-gnu-gcc)
	PYTHON=$(BIN)/python hardware/arm64/make_root.sh
	SEADRIFT_DATA=$(DATA) $(BIN)/python -m pytest -p no:xdist tests/models/test_arm64.py

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

fix: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

train: setup  ## train the shipped network again: build/spc.seadrift (torch; hours on a small machine)
	$(BIN)/python -m pip install -q --disable-pip-version-check -e '.[train]'
	$(BIN)/python -m models.training --data $(DATA)/spc.zip --classes spc --preset shore \
	  --minutes $(MINUTES) --resume --out build/spc-shore.seadrift
	$(BIN)/python -m models.training --data $(DATA)/spc.zip --classes spc \
	  --teacher build/spc-shore.checkpoint --minutes $(MINUTES) --resume --out build/spc.seadrift

lock:  ## resolve requirements.lock anew (needs uv)
	uv pip compile pyproject.toml --extra device --extra onnx --extra server --extra postgres --extra bench --group dev \
	  --universal --generate-hashes --no-emit-index-url --no-annotate --no-header --python-version 3.11 \
	  -q -o requirements.lock
