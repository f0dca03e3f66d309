# Wattune: `make run` does the main job on this machine, `make test` runs every check.
# Needs Python 3.11 or later and make.

PYTHON   ?= python3
WORKLOAD ?= minilm
DEVICE   ?= local
REPORT   ?= report
KILLS    ?= 50

# Folders of measured tables, for `make bench`.
TABLES ?= $(wildcard $(or $(WATTUNE_SHARED),../shared)/data/replay/*/)

BIN   := .venv/bin
READY := .venv/.ready
PIP   := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
PROTO := tuner/service/wattune/v1/wattune.proto

.PHONY: help setup run test test-kernel test-serving lint types arrows bench chaos proto clean
.DEFAULT_GOAL := help

help:  ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY)  ## Create .venv with everything needed (done again when the requirements change)

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Wattune needs Python 3.11 or later: make PYTHON=/path/to/python3.11 setup" >&2; exit 2; }
	$(PYTHON) -m venv .venv
	@echo "Installing torch: the longest step, about 200 MB"
	$(PIP) torch
	@echo "Installing Wattune and everything else"
	$(PIP) --editable '.[search,energy,peers,report,examples,dev]'
	@touch $@

run: $(READY)  ## Find the best configuration for WORKLOAD on this machine (or DEVICE=virtual:agx-orin)
	@PATH="$(CURDIR)/$(BIN):$$PATH" deploy/examples/demo.sh '$(WORKLOAD)' '$(DEVICE)' '$(REPORT)'

test: lint types arrows  ## Run every check and the whole test suite
	$(BIN)/pytest

test-kernel: $(READY)  ## Try knobs, meters and keeper on real Linux kernels in QEMU (needs Debian; what is missing is installed if root)
	$(BIN)/python -m tests.kernel.guest_files
	$(BIN)/pytest -m kernel -rsP tests/kernel

test-serving: $(READY)  ## Drive real inference servers (installs MLServer and transformers serve into a cache folder)
	$(BIN)/python -m tests.serving.environments
	$(BIN)/pytest -m serving -rsP tests/serving

lint: $(READY)  ## Check style, docstrings and format
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(READY)  ## Check types
	$(BIN)/mypy

arrows: $(READY)  ## Check which room imports which
	$(BIN)/lint-imports

bench: $(READY)  ## Measure what we cost and how sure we are (hardware, load, statistics, accounting, caches), and replay measured tables: make bench TABLES='DIR ...'
	$(BIN)/python -m benchmarks.hardware
	$(BIN)/python -m benchmarks.serving
	$(BIN)/python -m benchmarks.measuring
	$(BIN)/python -m benchmarks.working_set
	$(BIN)/python -m benchmarks.accounting stability
	$(BIN)/python -m benchmarks.accounting overhead
	@test -n '$(TABLES)' || echo "NOT RUN: the replay, since there are no measured tables here: make bench TABLES='DIR ...'"
	@test -z '$(TABLES)' || $(BIN)/wattune bench replay $(TABLES)

chaos: $(READY)  ## Kill each process of a study KILLS times at random moments, and look at what is left behind
	WATTUNE_KILLS=$(KILLS) $(BIN)/pytest tests/chaos

proto: $(READY)  ## Generate the API's Python from its .proto
	$(BIN)/python -m grpc_tools.protoc --proto_path=. --python_out=. --pyi_out=. --grpc_python_out=. $(PROTO)

clean:  ## Remove what was built (.venv too)
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis build dist report
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
