.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
EXTRAS ?=
STAMP := $(VENV)/.ready$(if $(EXTRAS),-$(EXTRAS))
DATA_DIR ?= data
LANDING ?= data/sample

help: ## this map
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-17s %s\n", $$1, $$2}'

env: $(STAMP) ## the environment in .venv, versions as locked (EXTRAS=… adds optional extras)

$(STAMP): requirements.lock pyproject.toml setup.py
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; found $$($(PYTHON) --version). Name one with make PYTHON=…" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	$(if $(EXTRAS),$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint requirements.lock --editable '.[$(EXTRAS)]')
	@touch $(VENV)/.ready $(STAMP)

run: env ## take in data/sample (LANDING=… for other files), compute, check, publish, print a summary
	$(BIN)/streaming-assets run --landing $(LANDING) --data-dir $(DATA_DIR)

ui: env ## the Dagster UI on http://localhost:3000: lineage, checks, runs
	STREAMING_ASSETS_DATA_DIR=$(DATA_DIR) STREAMING_ASSETS_LANDING=$(LANDING) $(BIN)/streaming-assets ui

test: env ## the test suite
	$(BIN)/python -m pytest --numprocesses 2 --dist worksteal -m "not slow"

test-full: env ## the test suite with the slow tests; those in a browser or on Spark are skipped without EXTRAS=browser,spark, a Chromium and Java
	$(BIN)/python -m pytest --numprocesses 2 --dist worksteal

lint: env ## format, style and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

bench: env ## measure: 19 M events beside a hand-written script, one new day, imports; rewrites docs/benchmarks.md
	$(BIN)/python -m benchmarks

bench-experiments: env ## measure: 1,000 A/A assignments, 5 M units, an experiment on the 19 M events; rewrites docs/benchmarks.md
	$(BIN)/python -m benchmarks experiments_calibration experiments_speed experiments_lastfm

bench-models: env ## measure: churn of 100,000 users, planted reasons to leave, the forecast; rewrites docs/benchmarks.md
	$(BIN)/python -m benchmarks churn_features churn_training churn_scoring churn_planted forecast_backtest

bench-operations: env ## measure: a month of nights (needs faketime); rewrites docs/benchmarks.md
	$(BIN)/python -m benchmarks month_of_nights

bench-scaling: env ## measure: DuckDB and Spark, and what Spark's driver holds (EXTRAS=spark); rewrites docs/benchmarks.md
	$(BIN)/python -m benchmarks engines engines_at_length driver_memory

screenshots: ## take docs/images anew from `make ui` in another terminal (EXTRAS=browser and a Chromium, as test-full)
	$(BIN)/python docs/screenshots.py

lock: ## resolve the versions again (needs uv)
	uv pip compile pyproject.toml --extra dev --extra deploy --universal --python-version 3.11 --no-header --no-emit-index-url --output-file requirements.lock

clean: ## remove the environment and everything computed; landed files stay
	rm -rf $(VENV) $(DATA_DIR)/lake $(DATA_DIR)/models $(DATA_DIR)/dagster $(DATA_DIR)/streaming.duckdb*

.PHONY: help env run ui test test-full lint bench bench-experiments bench-models bench-operations bench-scaling screenshots lock clean
