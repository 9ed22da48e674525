# What a newcomer types. Every target makes what it needs; nothing is installed outside .venv.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SETTLED := $(VENV)/.settled
RUNTIME := $(SETTLED)-runtime
DEVELOPMENT := $(SETTLED)-development

.DEFAULT_GOAL := help
.PHONY: help run demo test bench check format dashboards docs lock clean

help: ## say what can be made
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1	\2/'

run: $(RUNTIME) ## start everything embedded, with a short stream of self-made calls; Ctrl-C ends it
	$(BIN)/roomstate up --simulate 30

demo: $(RUNTIME) ## replay recorded calls and a simulated evening through the whole pipeline, and show what comes out
	$(BIN)/roomstate demo

test: $(DEVELOPMENT) ## run the whole test suite, two files at a time
	$(BIN)/pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

bench: $(DEVELOPMENT) ## measure a short round of everything; FULL=1 the real one, which writes docs/performance.md
	$(BIN)/python -m benchmarks.round $(if $(FULL),--full)

check: $(DEVELOPMENT) ## format, lint, types, layers, tidiness
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -q tests/test_tidy.py

format: $(DEVELOPMENT) ## put the code into form
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

dashboards: $(DEVELOPMENT) ## write the Grafana dashboards and alert rules again, from dashboards/queries
	$(BIN)/python -W ignore::DeprecationWarning -m dashboards.grafana

docs: $(DEVELOPMENT) ## ask the documents' questions again, and write down what is answered
	$(BIN)/python -m tests.docs.querying_page
	$(BIN)/python -m tests.docs.rules_page
	$(BIN)/python -m tests.docs.notebook_page

lock: ## choose the newest versions that pyproject.toml allows, and write them down
	$(PYTHON) -m venv $(VENV)-lock
	$(VENV)-lock/bin/pip install --quiet --disable-pip-version-check .
	$(VENV)-lock/bin/pip freeze --exclude room-state-metrics | LC_ALL=C sort > requirements.lock
	$(VENV)-lock/bin/pip install --quiet --disable-pip-version-check --constraint requirements.lock '.[dev]' hatchling
	$(VENV)-lock/bin/pip freeze --exclude room-state-metrics | LC_ALL=C sort \
		| LC_ALL=C comm -13 requirements.lock - > requirements-dev.lock
	rm -rf $(VENV)-lock

clean: ## remove the virtual environment and what tools left; data stays
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Roomstate needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1)." \
			"Name another one: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(RUNTIME): requirements.lock pyproject.toml | $(BIN)/python
	$(BIN)/pip install --quiet --disable-pip-version-check --requirement requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

$(DEVELOPMENT): requirements-dev.lock $(RUNTIME)
	$(BIN)/pip install --quiet --disable-pip-version-check --requirement requirements-dev.lock
	@touch $@
