# run     serve examples/tour.py on 127.0.0.1:8000, the console on 127.0.0.1:8001
# check   lint, format, types, layers, budgets, pure tests with few examples: seconds
# test    lint, everything that this machine can run without root, then the modules that mypyc compiles
# truth   what needs root, network namespaces or minutes
# fuzz    every fuzz target, N executions each (N=20000)
# bench   the benchmarks of the README's claims, in an environment of their own; leave the machine alone meanwhile
# docs    the site in build/site: the pages of docs and a reference of the public names
# mutants  plant COUNT=100 small faults at random (SINCE=main: in files changed since, SEED=0); list what no test finds
# sanitize  native kernels under AddressSanitizer and UndefinedBehaviourSanitizer

SHELL := /bin/bash
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
N ?= 20000
KERNELS := $(shell find src -name '_*.pyx' -o -name '*.pxd')

unexport PYTHONDONTWRITEBYTECODE  # pytest keeps its rewritten asserts as bytecode: 3.5 s a worker

.PHONY: run install dev check lint test truth fuzz bench docs mutants sanitize clean

run: install
	@exec $(BIN)/netwright serve examples/tour.py $(ARGS)

install: $(VENV)/.installed
dev: $(VENV)/.dev

$(VENV)/.installed: pyproject.toml setup.py $(KERNELS)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "netwright needs Python 3.11 or newer: make PYTHON=python3.11")'
	@$(PYTHON) -m tools.install $(VENV)
	@touch $@

$(VENV)/.dev: $(VENV)/.installed
	@$(BIN)/python -m tools.install $(VENV) dev
	@touch $@

lint: dev
	@$(BIN)/python -m tools.gate

check: dev
	@started=$$(date +%s.%N); $(MAKE) --no-print-directory lint && \
	echo "pure tests" && $(BIN)/python -m pytest -q -n 2 --hypothesis-profile=quick -m "not real and not long and not truth" && \
	echo "check: $$(echo "$$(date +%s.%N) $$started" | awk '{printf "%.1f", $$1 - $$2}') s"

test: lint
	@echo "tests that need no root"; $(BIN)/python -m pytest -q -n 2 -m "not truth"
	@echo "the modules that mypyc compiles"; $(BIN)/python -m tools.installed

truth: dev
	$(BIN)/python -m pytest -q -m truth

fuzz: dev
	@for target in fuzz/fuzz_*.py; do $(BIN)/python -m fuzz.$$(basename $$target .py) --executions $(N) || exit 1; done

bench:
	@$(PYTHON) -m benchmarks.environment

mutants: dev
	@$(BIN)/python -m tools.mutants $(if $(SINCE),--since $(SINCE)) -n $(or $(COUNT),100) --seed $(or $(SEED),0) $(ARGS)

sanitize: dev
	@$(BIN)/python -m tools.sanitize

docs: dev
	@$(BIN)/python -m tools.install $(VENV) docs
	@NETWRIGHT_PURE=1 $(BIN)/python -m tools.reference
	@$(BIN)/zensical build -f zensical.toml

clean:
	rm -rf $(VENV) build src/*.egg-info; find src -name '*.so' -delete
