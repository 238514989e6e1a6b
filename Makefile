# run     serve examples/tour.py on 127.0.0.1:8000, the console on 127.0.0.1:8001
# check   lint, format, types, layers, budgets, pure tests with few examples: seconds
# test    lint, then everything that this machine can run without root
# compiled  TCP and its simulator compiled by mypyc, for as long as the sources stay as they are
# truth   what needs root, network namespaces or minutes
# fuzz    every fuzz target, N executions each (N=20000)
# bench   the benchmarks of the README's claims, in an environment of their own; leave the machine alone meanwhile
# sanitize  native kernels under AddressSanitizer and UndefinedBehaviourSanitizer

SHELL := /bin/bash
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
N ?= 20000
KERNELS := $(shell find src -name '_*.pyx' -o -name '*.pxd')

COMPILED := $(shell find src/netwright/proto/tcp src/netwright/sim -name '*.py')

unexport PYTHONDONTWRITEBYTECODE  # pytest keeps its rewritten asserts as bytecode: 3.5 s a worker

.PHONY: run install dev check lint test compiled truth fuzz bench sanitize clean

run: install
	@exec $(BIN)/netwright serve examples/tour.py $(ARGS)

install: $(VENV)/.installed
dev: $(VENV)/.dev

$(VENV)/.installed: pyproject.toml setup.py $(KERNELS)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "netwright needs Python 3.11 or newer: make PYTHON=python3.11")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { echo "no venv module: apt-get install python3-venv" >&2; rm -rf $(VENV); exit 1; }
	$(BIN)/python -m pip install --disable-pip-version-check -q -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.installed
	@$(BIN)/python -m tools.extras dev > $(VENV)/dev.txt
	$(BIN)/python -m pip install --disable-pip-version-check -q -r $(VENV)/dev.txt
	@touch $@

lint: dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check -q .
	$(BIN)/mypy
	@$(BIN)/lint-imports > $(VENV)/layers.txt || { cat $(VENV)/layers.txt; exit 1; }
	@tail -n 2 $(VENV)/layers.txt
	$(BIN)/python -m tools.pyx_layers
	$(BIN)/deptry -v src 2>&1 | tail -n 1; exit $${PIPESTATUS[0]}
	$(BIN)/python -m tools.mirror
	$(BIN)/python -m tools.budgets

check: dev
	@started=$$(date +%s.%N); $(MAKE) --no-print-directory lint && \
	$(BIN)/python -m pytest -q -n 2 --hypothesis-profile=quick -m "not real and not long and not truth" && \
	echo "check: $$(echo "$$(date +%s.%N) $$started" | awk '{printf "%.1f", $$1 - $$2}') s"

compiled: $(VENV)/.compiled

$(VENV)/.compiled: $(VENV)/.dev $(COMPILED)
	$(BIN)/python setup.py -q build_ext --build-lib src
	@touch $@

test: lint compiled
	$(BIN)/python -m pytest -q -n 2 -m "not truth"

truth: dev
	$(BIN)/python -m pytest -q -m truth

fuzz: dev
	@for target in fuzz/fuzz_*.py; do $(BIN)/python -m fuzz.$$(basename $$target .py) --executions $(N) || exit 1; done

bench:
	@$(PYTHON) -m benchmarks.environment

sanitize: dev
	@$(BIN)/python -m tools.sanitize

clean:
	rm -rf $(VENV) build src/*.egg-info src/netwright/_native/compiled_*; find src -name '_*.c' -delete; find src -name '*.so' -delete
