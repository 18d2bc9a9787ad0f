# Seatkeeper: every command is one word. `make help` prints this list.

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
STAMP := $(VENV)/.installed
LOCKS := requirements-build.lock requirements-dev.lock
COMPILE := CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras \
	--no-emit-index-url --no-emit-find-links --no-emit-trusted-host
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help install demo test fast lint types bench lock

help: ## print this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(STAMP) ## make .venv with everything in it and the `seatkeeper` command

$(STAMP): $(LOCKS) pyproject.toml
	@scripts/venv $(VENV)
	$(PIP) install --quiet --require-hashes -r requirements-build.lock
	$(PIP) install --quiet --require-hashes --no-build-isolation -r requirements-dev.lock
	PYTHONWARNINGS=ignore $(PIP) install --quiet --no-deps --no-build-isolation -e .
	@touch $@

demo: install ## play the whole product in a browser, with stand-ins for the outside (ARGS=--reset starts over)
	@exec $(BIN)/seatkeeper demo $(ARGS)

test: install ## everything: system packages if needed, lint, types, the whole suite
	@scripts/test $(ARGS)

fast: install lint types ## lint, types and the tests that take no time: under a minute
	$(BIN)/pytest -n 2 -m "not slow" tests/unit tests/property $(ARGS)

lint: install ## formatting, likely mistakes, spelling
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell

types: install ## the strict type checker
	$(BIN)/mypy

bench: install ## measure the product against its bare minimum and print the ratios
	$(BIN)/python -m benchmarks $(ARGS)

lock: install ## resolve the dependencies anew into the lock files (ARGS=--upgrade for newer ones)
	$(COMPILE) $(ARGS) --only-build-deps --build-deps-for=editable -o requirements-build.lock pyproject.toml
	$(COMPILE) $(ARGS) -c requirements-build.lock -o requirements.lock pyproject.toml
	$(COMPILE) $(ARGS) --extra dev -c requirements-build.lock -c requirements.lock -o requirements-dev.lock pyproject.toml
