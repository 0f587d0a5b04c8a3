# `make demo` and `make test` set up all they need in .venv; `make bench` in an environment of its own.
PYTHON ?= python3
VENV := .venv
BENCH := .venv-bench
BIN := $(VENV)/bin

.PHONY: demo test lint bench growth agree docs clean

demo: $(VENV)/.demo
	$(BIN)/python examples/digits.py

test: $(VENV)/.dev  # -rs: says which tests were skipped, such as those in a browser where there is none, and why
	$(BIN)/python -m pytest -n auto -rs

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict autograd_lite

docs: $(VENV)/.demo
	$(BIN)/python docs/make.py

bench: $(BENCH)/.bench
	$(BENCH)/bin/python -m benchmarks.run --json build/bench.json --markdown docs/benchmarks.md
	$(BENCH)/bin/python docs/make.py readme

growth: $(BENCH)/.bench
	$(BENCH)/bin/python -m benchmarks.growth

agree: $(BENCH)/.bench
	$(BENCH)/bin/python -m pytest tests/test_against_jax.py tests/test_against_torch.py tests/test_examples.py

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[demo]"
	touch $@

$(VENV)/.dev: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[dev]"
	touch $(VENV)/.demo $@

$(BENCH)/.bench: pyproject.toml
	$(PYTHON) -m venv $(BENCH)
	$(BENCH)/bin/python -m pip install --quiet --disable-pip-version-check "torch==2.13.0"
	$(BENCH)/bin/python -m pip install --quiet --disable-pip-version-check -e ".[bench]"
	touch $@

clean:
	rm -rf $(VENV) $(BENCH) build
