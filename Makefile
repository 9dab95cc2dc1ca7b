# The doors of tepal; `make help` lists them. Rust and a Python to start from are assumed; everything else is installed here,
# under build/. PYTHON chooses the interpreter: make test PYTHON=3.14
#
# The extension is installed into each virtual environment as a wheel, not as an editable install: every version then has its own
# finished copy, two versions can be built and run side by side from one checkout, a running program keeps the file it has loaded
# while the next one is put in place, and what the tests run is what `pip install .` gives a user (stubs, marker and command
# included). A stamp that depends on every source makes the doors cheap when nothing has changed.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= 3.11
PYTHONS := 3.11 3.12 3.13 3.14 3.15
# Further arguments: make test ARGS='-k timers', make conformance ARGS='--module test_tasks', make bench ARGS='--quick'
ARGS ?=

VENV := build/venv/$(PYTHON)
INTERPRETER := $(CURDIR)/$(VENV)/bin/python
WHEELS := build/wheels/$(PYTHON)
# PyO3's build depends on the interpreter, so that one shared target folder would rebuild it at each change of version.
export CARGO_TARGET_DIR := $(CURDIR)/build/target/$(PYTHON)
export PYO3_PYTHON := $(INTERPRETER)
export PIP_DISABLE_PIP_VERSION_CHECK := 1

# Its own environment: some of the libraries are pytest plugins, which would change what `make test` runs.
ECOSYSTEM := build/ecosystem/$(PYTHON)
ECOSYSTEM_INTERPRETER := $(CURDIR)/$(ECOSYSTEM)/venv/bin/python

# Checks the page's scripts; only `make page-test` needs it, and npm.
TYPESCRIPT := build/typescript/node_modules/.bin/tsc

SOURCES := $(shell find crates python -type f -not -name '*.so' -not -name '*.pyc' 2>/dev/null) \
	pyproject.toml Cargo.toml LICENSE-MIT LICENSE-APACHE $(wildcard Cargo.lock README.md)

.PHONY: help
help: ## list these doors
	@echo "make DOOR [PYTHON=3.11|3.12|3.13|3.14|3.15]   (now $(PYTHON))"
	@awk -F ':.*## ' '/^[a-z][a-z-]*:.*## / {printf "  make %-20s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

.PHONY: run
run: develop ## set up, build, and show on tepal and on asyncio what a coroutine costs and what a Task costs
	$(INTERPRETER) -m tepal run examples/coroutine_or_task.py

.PHONY: develop
develop: $(VENV)/installed ## set up the environment in build/venv and install tepal, built in release mode, into it

.PHONY: test
test: develop test-core ## set up and pass everything: the core's tests, then the Python tests
	$(INTERPRETER) -m pytest $(ARGS)

.PHONY: test-core
test-core: ## the tests of crates/core and of the load generator, which need no Python
	CARGO_TARGET_DIR=$(CURDIR)/build/target/core cargo test -p tepal-core -p tepal-bench-load

.PHONY: conformance
conformance: develop ## CPython's own test_asyncio against tepal; ends in a table and "N passed, N failed, N skipped"
	$(INTERPRETER) tests/cpython/run.py --results build/conformance/$(PYTHON).json $(ARGS)

.PHONY: conformance-table
conformance-table: $(VENV)/packages ## write docs/conformance.md from the versions that `make conformance` has measured
	$(INTERPRETER) tests/cpython/run.py --table docs/conformance.md --from build/conformance

.PHONY: ecosystem
ecosystem: $(ECOSYSTEM)/installed ## real programs against real servers, on asyncio and on tepal; ends in "N passed, N failed, N skipped"
	status=0; $(ECOSYSTEM_INTERPRETER) tests/ecosystem/run.py --results $(ECOSYSTEM)/results.json \
	  --missing $(ECOSYSTEM)/missing.json $(ARGS) || status=$$?; \
	  [ ! -e $(ECOSYSTEM)/results.json ] || $(MAKE) ecosystem-table; exit $$status

.PHONY: ecosystem-table
ecosystem-table: $(ECOSYSTEM)/packages ## write docs/ecosystem.md from the versions that `make ecosystem` has run
	$(ECOSYSTEM_INTERPRETER) tests/ecosystem/run.py --table docs/ecosystem.md --from build/ecosystem

.PHONY: bench
bench: develop $(VENV)/bench-packages ## measure against asyncio and every peer that installs; writes a table and a chart
	$(INTERPRETER) benches/run.py $(ARGS)
	$(INTERPRETER) benches/observing.py $(ARGS)

.PHONY: bench-network
bench-network: develop load $(VENV)/bench-packages ## servers on tepal and every peer under load; ARGS='--quick --cases streams_1k_*'
	$(INTERPRETER) benches/network.py $(ARGS)

.PHONY: bench-latency
bench-latency: develop load $(VENV)/bench-packages ## latencies of servers on tepal and every peer under the same fixed load
	$(INTERPRETER) benches/latency.py $(ARGS)

.PHONY: load
load: ## build the load generator and the echo server without Python, for bench-network
	CARGO_TARGET_DIR=$(CURDIR)/build/target/load cargo build --quiet --release -p tepal-bench-load

.PHONY: page-test
page-test: develop $(VENV)/page-packages $(TYPESCRIPT) ## the page of a recorded run in a real Chromium, and its scripts' types
	$(TYPESCRIPT) --project tests/page/chromium/tsconfig.json
	$(INTERPRETER) -m pytest tests/page/chromium --confcutdir tests/page/chromium --screenshots build/page $(ARGS)

.PHONY: picture
picture: develop $(VENV)/page-packages ## draw docs/picture.png anew, from a real run in a real browser
	$(INTERPRETER) tests/page/chromium/draw.py docs/picture.png

.PHONY: soak
soak: develop ## thousands of connections with resets, cancels, pauses; ten minutes, or ARGS='--seconds 60'
	$(INTERPRETER) tests/soak/soak.py $(ARGS)

.PHONY: fuzz
fuzz: develop ## parsers of outside bytes against asyncio's: TLS, streams, addresses; ten minutes, or ARGS='--seconds 60'
	$(INTERPRETER) tests/fuzz/fuzz.py $(ARGS)

.PHONY: valgrind
valgrind: develop ## soak and fuzz under valgrind's memcheck: no error in our frames; ARGS='--seconds 60'
	$(INTERPRETER) tests/soak/valgrind.py $(ARGS)

.PHONY: stubs
stubs: develop $(VENV)/lint-packages ## the type stubs against the built extension, by mypy's stubtest
	$(INTERPRETER) -m pytest -q tests/surface/test_stubs.py

.PHONY: lint
lint: $(VENV)/packages $(VENV)/lint-packages ## formatting, clippy, ruff, mypy, layers, unsafe, file sizes, machine paths
	ci/lint.sh $(INTERPRETER)

.PHONY: format
format: $(VENV)/lint-packages ## let rustfmt and ruff rewrite the sources
	cargo fmt --all
	$(INTERPRETER) -m ruff check --fix-only --quiet .
	$(INTERPRETER) -m ruff format --quiet .

.PHONY: all-pythons
all-pythons: ## test and conformance on all five versions, then docs/conformance.md
	for version in $(PYTHONS); do \
	  if tools/python-version.sh $$version >/dev/null; then $(MAKE) test conformance PYTHON=$$version; \
	  else echo "SKIPPED: there is no Python $$version on this machine and none to be had"; fi; \
	done
	$(MAKE) conformance-table

.PHONY: clean
clean: ## remove everything that these doors have made
	rm -rf build target dist .pytest_cache .ruff_cache .mypy_cache .hypothesis

$(VENV)/packages: pyproject.toml tools/python-version.sh
	interpreter=$$(tools/python-version.sh $(PYTHON)); \
	  "$$interpreter" -m venv $(VENV)
	$(INTERPRETER) -m pip install --quiet --upgrade 'pip>=25.1'
	$(INTERPRETER) -m pip install --quiet --group build --group test
	touch $@

$(VENV)/lint-packages: $(VENV)/packages
	$(INTERPRETER) -m pip install --quiet --group lint
	touch $@

# A peer that does not install on this version is left out loudly; the benches measure the ones that are there.
$(VENV)/bench-packages: $(VENV)/packages
	$(INTERPRETER) tools/install_peers.py
	touch $@

$(VENV)/installed: $(VENV)/packages $(SOURCES)
	rm -rf $(WHEELS)
	$(INTERPRETER) -m maturin build --release --quiet --interpreter $(INTERPRETER) --out $(WHEELS)
	$(INTERPRETER) -m pip install --quiet --force-reinstall --no-deps --no-index $(WHEELS)/*.whl
	touch $@

$(VENV)/page-packages: $(VENV)/packages
	$(INTERPRETER) -m pip install --quiet --group page
	touch $@

$(TYPESCRIPT):
	npm install --silent --no-save --no-package-lock --prefix build/typescript typescript@7

# A library that does not install on this version is named loudly, and its scenarios are skipped.
$(ECOSYSTEM)/packages: tests/ecosystem/libraries.toml tests/ecosystem/install.py tools/python-version.sh
	interpreter=$$(tools/python-version.sh $(PYTHON)); \
	  "$$interpreter" -m venv $(ECOSYSTEM)/venv
	$(ECOSYSTEM_INTERPRETER) -m pip install --quiet --upgrade 'pip>=25.1'
	$(ECOSYSTEM_INTERPRETER) tests/ecosystem/install.py --report $(ECOSYSTEM)/missing.json
	touch $@

$(ECOSYSTEM)/installed: $(ECOSYSTEM)/packages $(VENV)/installed
	$(ECOSYSTEM_INTERPRETER) -m pip install --quiet --force-reinstall --no-deps --no-index $(WHEELS)/*.whl
	touch $@
