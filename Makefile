# Everything a contributor does, by name. `make` alone prints the list.
#
#   PYTHON        the interpreter to make the environment with           (python3)
#   VENV          the environment; made when missing                     (.venv)
#   HOST, PORT    where `make run` listens                               (127.0.0.1, 8000)
#   PYTEST_ARGS   more arguments for pytest, as in PYTEST_ARGS="-x -k head"
#   PYTEST_JOBS   processes that run the suite, which mostly waits; 0 for one that a debugger can stop  (4)
#   PEERS         the environment of the servers to compare with         (.venv-peers)
#   AUTOBAHN_ARGS --short, or cases: 1.* 9.1.1
#   BENCH_ARGS    arguments for `python -m bench`
#   EVIDENCE_ARGS options to try only, or --check to leave the page as it is
#   INSTRUCTIONS_ARGS  --write to keep what is counted
#   FUZZ_SECONDS  how long each fuzz target runs                         (60)
#   SOAK_SECONDS  how long the soak runs                                 (600)

# Only PYTHON may come from the environment: shells and containers set HOST and PORT for purposes of their own.
PYTHON ?= python3
VENV = .venv
BENCH = .venv-bench
PEERS = .venv-peers
HOST = 127.0.0.1
PORT = 8000
PYTEST_ARGS =
PYTEST_JOBS = 4
AUTOBAHN_ARGS =
BENCH_ARGS =
EVIDENCE_ARGS =
INSTRUCTIONS_ARGS =
FUZZ_SECONDS = 60
SOAK_SECONDS = 600

# How the variants differ: variables for building, and for running what was built. See build_support/variant.py.
BUILD_ENV =
TEST_ENV =

BIN = $(VENV)/bin
# What pyproject.toml's build-system requires, in the environment itself: builds there are incremental.
BUILD_REQUIRES := "setuptools>=77" "Cython>=3.1,<4" "cffi>=1.16" "pip>=23"
# setuptools warns at length of what an editable installation is.
INSTALL := $(BUILD_ENV) PYTHONWARNINGS="ignore:Editable installation" \
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation
# What an editable installation is made from; Python files it takes as they are.
SOURCES := $(shell find fastserve csrc -name '*.pyx' -o -name '*.pxd' -o -name '*.[ch]') \
	$(wildcard build_support/*.py) setup.py pyproject.toml
LLHTTP_DIR = $$($(BIN)/python -m build_support.llhttp)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test ctest pytest evidence parity autobahn bench bench-peers bench-publish instructions debug resources asan lint fuzz packaging clean
.PHONY: soak soak-this fuzz-coverage fuzz-coverage-this

help: ## this list
	@echo "make <goal>:"
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1|\2/p' Makefile | while IFS='|' read -r goal about; do \
		printf '%-12s %s\n' "$$goal" "$$about"; done

run: $(VENV)/.installed-examples ## build fastserve and serve examples/fastapi_app on HOST:PORT, with what to try
	@echo
	@echo "Try, from another terminal:"
	@echo "  open http://$(HOST):$(PORT)/ in a browser"
	@echo "  curl http://$(HOST):$(PORT)/hello"
	@echo "  curl -i -H 'Content-Type: application/json' -d '{\"item\": \"tea\", \"amount\": 2}' http://$(HOST):$(PORT)/orders"
	@echo
	@exec $(BIN)/fastserve main:app --app-dir examples/fastapi_app --host $(HOST) --port $(PORT)

test: ctest pytest ## everything that must pass: ctest, then pytest

ctest: $(VENV)/.made ## the tests of the C code and the fuzz targets over their corpus, under sanitizers
	$(MAKE) --silent -C tests/c test LLHTTP_DIR="$(LLHTTP_DIR)"
	$(MAKE) --silent -C fuzz replay LLHTTP_DIR="$(LLHTTP_DIR)"

pytest: $(VENV)/.installed-test ## the tests of what is served
	$(TEST_ENV) $(BIN)/python -m pytest --numprocesses $(PYTEST_JOBS) $(PYTEST_ARGS)

evidence: $(VENV)/.installed-evidence ## uvicorn and fastserve side by side, option by option: the table for those who migrate
	PYTHONPATH=$(CURDIR)/tests $(BIN)/python -m evidence $(EVIDENCE_ARGS)

parity: $(VENV)/.installed-test ## tests/wire, wsgi, ws and parity against every implementation, at every cut
	$(TEST_ENV) $(BIN)/python -m pytest --numprocesses $(PYTEST_JOBS) --parity tests/wire tests/wsgi tests/ws tests/parity $(PYTEST_ARGS)

.PHONY: browser
browser: $(VENV)/.installed-browser ## the chat example in two windows of a headless Chromium, by Playwright
	$(TEST_ENV) $(BIN)/python -m pytest tests/real/test_chat.py $(PYTEST_ARGS)

.PHONY: no-loss
no-loss: $(VENV)/.installed-examples ## strict clients of a server that is restarted, upgraded and scaled: a table
	PYTHONPATH=$(CURDIR)/tests $(BIN)/python -m supervisor.no_loss

autobahn: $(VENV)/.installed-test ## the Autobahn test suite of WebSocket, where there is a CPython 2.7; an hour or so
	$(BIN)/python tests/ws/autobahn.py $(AUTOBAHN_ARGS)

bench: need-wrk $(BENCH)/.installed bench-peers ## fastserve beside its peers: CPU per request, requests/s, latency, memory
	$(BENCH)/bin/python -m bench --peers $(PEERS)/bin/python $(BENCH_ARGS)

bench-publish: need-wrk $(BENCH)/.installed bench-peers ## the whole benchmark, and what README.md and docs/ say of it; goes on where it was interrupted
	@mkdir -p build
	$(BENCH)/bin/python -m bench --peers $(PEERS)/bin/python --results build/bench.json --resume $(BENCH_ARGS) || test $$? -eq 1
	$(BENCH)/bin/python -m bench.publish build/bench.json

instructions: need-valgrind $(VENV)/.installed-test ## instructions of a hello request; fails where there are 3 % more than bench/instructions.json says
	$(BIN)/python -m bench.instructions $(INSTRUCTIONS_ARGS)

bench-peers: $(PEERS)/.installed ## the servers that fastserve is compared with, in an environment of their own

debug: $(VENV)/.made ## pytest against a build with assertions and live-object counters
	$(BIN)/python -m build_support.mirror build/tree-debug
	$(MAKE) -C build/tree-debug pytest VENV=$(CURDIR)/$(VENV)-debug BUILD_ENV="$(BUILD_ENV) FASTSERVE_DEBUG=1"

asan: ctest ## ctest, and pytest against a build under the address and undefined-behaviour sanitizers
	$(BIN)/python -m build_support.mirror build/tree-asan
	@# Python needs libasan preloaded, and hands that on to the programs that tests start; curl would hang with it.
	@# Tests that measure memory would measure what the sanitizer keeps.
	@rm -f build/asan-report.*; mkdir -p build/asan-bin
	@if command -v curl >/dev/null; then printf '#!/bin/sh\nLD_PRELOAD= exec %s "$$@"\n' "$$(command -v curl)" \
		>build/asan-bin/curl && chmod +x build/asan-bin/curl; fi
	$(MAKE) -C build/tree-asan pytest VENV=$(CURDIR)/$(VENV)-asan \
		BUILD_ENV="$(BUILD_ENV) FASTSERVE_SANITIZE=address,undefined" \
		TEST_ENV="PYTEST_ADDOPTS='-m \"not memory\"' PATH=$(CURDIR)/build/asan-bin:$$PATH \
			LD_PRELOAD=$$(gcc -print-file-name=libasan.so) \
			ASAN_OPTIONS=detect_leaks=0:log_path=$(CURDIR)/build/asan-report \
			UBSAN_OPTIONS=print_stacktrace=1:log_path=$(CURDIR)/build/asan-report PYTHONMALLOC=malloc"; \
	status=$$?; cat build/asan-report.* 2>/dev/null; exit $$status

resources: $(VENV)/.made ## thousands of clients that reset, stall or trickle, against the debug build; takes minutes
	$(BIN)/python -m build_support.mirror build/tree-debug
	$(MAKE) -C build/tree-debug pytest VENV=$(CURDIR)/$(VENV)-debug BUILD_ENV="$(BUILD_ENV) FASTSERVE_DEBUG=1" \
		PYTEST_JOBS=0 PYTEST_ARGS="--huge --timeout 1800 tests/wire/test_resources.py tests/wire/test_resources_phases.py $(PYTEST_ARGS)"

soak: $(VENV)/.made ## valid and hostile traffic for SOAK_SECONDS, against the debug build; draws docs/soak.svg
	$(BIN)/python -m build_support.mirror build/tree-debug
	$(MAKE) -C build/tree-debug soak-this VENV=$(CURDIR)/$(VENV)-debug BUILD_ENV="$(BUILD_ENV) FASTSERVE_DEBUG=1" \
		SOAK_SECONDS=$(SOAK_SECONDS) SOAK_PICTURE=$(CURDIR)/docs/soak.svg

soak-this: $(VENV)/.installed-test $(VENV)/.installed-soak
	cd tests && $(BIN)/python -m soak $(SOAK_SECONDS) $(SOAK_PICTURE)

lint: $(VENV)/.installed-lint ## ruff, mypy and cython-lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	PATH="$$(cd $(BIN) && pwd):$$PATH" cython-lint $$(find fastserve -name '*.pyx' -o -name '*.pxd')

fuzz: need-clang $(VENV)/.installed-test ## each fuzz target of the C code, a whole connection, and WebSockets, for FUZZ_SECONDS
	$(MAKE) -C fuzz FUZZ_SECONDS=$(FUZZ_SECONDS) LLHTTP_DIR="$(LLHTTP_DIR)"
	$(BIN)/python fuzz/fuzz_connection.py $(FUZZ_SECONDS)
	$(BIN)/python fuzz/fuzz_websocket.py $(FUZZ_SECONDS)
	@if $(BIN)/python -c "import atheris" 2>/dev/null; then $(MAKE) fuzz-coverage; \
	else echo "fuzz_coverage: skipped: $(BIN)/pip install atheris (Linux, CPython 3.11 to 3.13)"; fi

# A whole connection, by the ways it takes through the extension modules.
fuzz-coverage: need-clang $(VENV)/.made
	$(BIN)/python -m build_support.mirror build/tree-fuzz
	$(MAKE) -C build/tree-fuzz fuzz-coverage-this VENV=$(CURDIR)/$(VENV)-fuzz FUZZ_SECONDS=$(FUZZ_SECONDS) \
		BUILD_ENV="$(BUILD_ENV) CC=clang LDSHARED='clang -shared' FASTSERVE_SANITIZE=address,fuzzer-no-link" \
		FUZZ_DIRECTORY=$(CURDIR)/build/fuzz

fuzz-coverage-this: $(VENV)/.installed-fuzz
	LD_PRELOAD=$$($(BIN)/python -c "import sysconfig; print(sysconfig.get_path('platlib'))")/asan_with_fuzzer.so \
		ASAN_OPTIONS=detect_leaks=0 PYTHONMALLOC=malloc \
		$(BIN)/python fuzz/fuzz_coverage.py $(FUZZ_SECONDS) $(FUZZ_DIRECTORY)

packaging: $(VENV)/.installed-test $(VENV)/.installed-packaging ## wheel, sdist and offline installation, each in a new environment
	$(BIN)/python -m pytest --override-ini addopts= --timeout 900 tests/install $(PYTEST_ARGS)

clean: ## remove whatever these goals made, the environments too
	rm -rf build dist fastserve.egg-info .venv* .benchmarks .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . \( -name '*.so' -o -name __pycache__ \) -prune -exec rm -rf {} +

need-%:
	@command -v $* >/dev/null || { echo "make $(MAKECMDGOALS) needs $*: apt-get install $*" >&2; exit 1; }

# An environment with what builds need.
$(VENV)/.made:
	@command -v $(PYTHON) >/dev/null || { echo "no $(PYTHON): apt-get install python3 python3-venv python3-dev" >&2; exit 1; }
	@$(PYTHON) build_support/preflight.py
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade $(BUILD_REQUIRES)
	@touch $@

# fastserve as it stands, with one of pyproject.toml's extras.
$(VENV)/.installed-%: $(VENV)/.made $(SOURCES)
	$(INSTALL) --editable '.[$*]'
	@touch $@

# What is measured is what users install: the finder of an editable installation takes a fifth of a server's start.
$(BENCH)/.installed: $(SOURCES) $(shell find fastserve -name '*.py') bench/requirements.txt
	$(PYTHON) -m venv $(BENCH)
	$(BENCH)/bin/python -m pip install --quiet --disable-pip-version-check '.[bench]' --requirement bench/requirements.txt
	@touch $@

$(PEERS)/.installed: bench/peers.txt bench/requirements.txt
	$(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check --requirement bench/peers.txt
	@touch $@
