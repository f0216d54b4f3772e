# Two commands for a newcomer: `make demo` and `make test`. Everything is installed into .venv.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test truth truth-regress truth-nightly check stress has-gpu gpu tune bench bench-store clean

.venv/installed: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	touch $@

demo: .venv/installed
	$(BIN)/commbench run smoke --ranks 4
	$(BIN)/commbench show
	$(BIN)/commbench report --output report.html

# What measures the machine has it to itself; the rest shares it, and much of that waits.
test: .venv/installed
	$(BIN)/pytest -m 'not gpu and not alone' -n 4 --dist loadfile
	$(BIN)/pytest -m 'alone and not gpu'

# The benchmark of the benchmark: what was planted, what was measured; the table goes into docs/methodology.md.
truth: .venv/installed
	COMMBENCH_TRUTH_FULL=1 COMMBENCH_TRUTH_TABLE=build/truth.md $(BIN)/pytest tests/truth
	$(BIN)/python -m tests.truth.publish build/truth.md

# The nightly rule on 40 simulated lab-years with planted losses, others on the same nights: into docs/methodology.md.
# Apache Otava brings 42 packages and pins numpy: it gets an environment of its own, and its row says so where it cannot.
build/otava/installed:
	$(PYTHON) -m venv build/otava
	build/otava/bin/pip install --quiet apache-otava
	touch $@

truth-regress: .venv/installed
	-$(MAKE) build/otava/installed
	$(BIN)/python -m tests.truth_regress.publish

# Short nights on an emulated cluster, a host's link cut at night 25: some ten minutes, and it needs root.
truth-nightly: .venv/installed
	COMMBENCH_NIGHTS=1 $(BIN)/pytest -s tests/cluster/test_nightly.py

check: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

# 16 writers x 200 runs with random kills and readers, on a folder and on a bucket that answers badly: a quarter hour.
stress: .venv/installed
	COMMBENCH_STRESS=full $(BIN)/pytest -s tests/stress

# What a machine with a GPU needs and no other: CuPy and the compiler of the kernel. docs/kernel.md: without a network.
.venv/gpu: .venv/installed
	$(BIN)/python -m pip install --quiet --editable '.[dev,gpu]'
	touch $@

# Without a GPU every test would skip and that would look like success: the recipe ends with 3 (make itself with 2).
has-gpu:
	@nvidia-smi -L > /dev/null 2>&1 || { \
	    echo 'no GPU: nvidia-smi finds none on this host, so nothing was measured; run it where there is one' >&2; \
	    exit 3; }

gpu: has-gpu .venv/gpu
	$(BIN)/pytest -m gpu
	$(BIN)/commbench run gpu --store results/gpu
	$(BIN)/commbench run gpu_shared --store results/gpu
	$(BIN)/commbench kernel --device cuda --store results/gpu $(LIMIT)

# Every build of the kernel, the quickest first: some minutes of one GPU.
tune: has-gpu .venv/gpu
	$(BIN)/commbench kernel --tune --store results/gpu $(LIMIT)

bench: .venv/installed
	$(BIN)/pytest tests/bench --benchmark-enable --benchmark-only

# Reads of three years of nights against Delta Lake and pandas: writes 5 GB below build/, some 10 minutes.
build/delta/installed:
	$(PYTHON) -m venv build/delta
	build/delta/bin/pip install --quiet deltalake pandas pyarrow
	touch $@

bench-store: .venv/installed build/delta/installed
	$(BIN)/python -m tests.bench.store_reads --delta-python build/delta/bin/python

clean:
	rm -rf .venv build dist *.egg-info .mypy_cache .ruff_cache .hypothesis .benchmarks report.html
