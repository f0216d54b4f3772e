# Two commands for a newcomer: `make demo` and `make test`. Everything is installed into .venv.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test check gpu bench clean

.venv/installed: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	touch $@

demo: .venv/installed
	$(BIN)/commbench run smoke --ranks 4
	$(BIN)/commbench report --output report.html

test: .venv/installed
	$(BIN)/pytest -m 'not gpu'

check: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

gpu: .venv/installed
	$(BIN)/pytest -m gpu
	$(BIN)/commbench run gpu --store results/gpu

bench: .venv/installed
	$(BIN)/pytest tests/bench --benchmark-enable --benchmark-only

clean:
	rm -rf .venv build dist *.egg-info .mypy_cache .ruff_cache .hypothesis .benchmarks report.html
