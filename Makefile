# Yuanqing: two commands set everything up and do the work: `make run` and `make test`.
PYTHON ?= python3
SCALE ?= 20000
VENV := .venv
BIN := $(VENV)/bin
# Some machines forbid compiled Python files, which makes every start slow.
unexport PYTHONDONTWRITEBYTECODE
# glibc keeps what was freed in as many arenas as there are threads: some 150 MB of a large run.
export MALLOC_ARENA_MAX ?= 2

.DEFAULT_GOAL := help
.PHONY: help run test ui check lint format conformance bench-pipeline bench-increment bench-rules bench-matching bench-issues bench-lineage bench-entry lineage-proof lock clean

help: ## Show what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(VENV)/run.stamp ## Make sample hand-overs, carry them to reports, say what was found (SCALE=20000)
	@$(BIN)/yuanqing run --scale $(SCALE)

test: $(VENV)/dev.stamp ## Run the tests
	@$(BIN)/python -m pytest

ui: $(VENV)/run.stamp ## Open Dagster's UI and the reports on this machine
	@$(BIN)/yuanqing ui

check: $(VENV)/run.stamp ## Check a file before handing it over: make check FILE=a.csv DATASET=population_register
	@$(BIN)/yuanqing check "$(FILE)" --dataset "$(DATASET)"

lint: $(VENV)/dev.stamp ## Style, types, and the one way of imports
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: $(VENV)/dev.stamp ## Put the code into its style
	@$(BIN)/ruff check --fix --quiet . ; $(BIN)/ruff format .

conformance: $(VENV)/dev.stamp ## Great Expectations' own cases through our compiler and through itself (CASES=../shared/conformance/gx)
	@$(BIN)/python -m expectations.conformance $(CASES)

bench-pipeline: $(VENV)/dev.stamp ## Time the whole path against bare loads (PEOPLE="1000000 5000000", MEMORY=2GB, WITHOUT="B D")
	@$(BIN)/python -m benchmarks.pipeline --people $(or $(PEOPLE),1000000 5000000) --memory $(or $(MEMORY),2GB) $(if $(WITHOUT),--without $(WITHOUT)) --figures build/bench-pipeline.json

bench-increment: $(VENV)/dev.stamp ## What a change of one percent costs against the first load, table by table (ROWS=10000000)
	@$(BIN)/python -m benchmarks.increment --rows $(or $(ROWS),10000000)

bench-rules: $(VENV)/dev.stamp $(VENV)/peers.stamp ## Time 25 rules against hand-written SQL and other libraries (ROWS="1000000 10000000")
	@$(BIN)/python -m benchmarks.rules --rows $(or $(ROWS),1000000 10000000)

bench-matching: $(VENV)/dev.stamp $(VENV)/splink.stamp ## Precision, recall and time of matching without a key, beside splink (PEOPLE=1000000)
	@PYTHONPATH=$(VENV)/splink $(BIN)/python -m benchmarks.matching $(or $(PEOPLE),1000000)

bench-lineage: $(VENV)/dev.stamp ## Time lineage: everything below a column, the origin of a record, what its capture adds to a run (ROWS=10000000)
	@$(BIN)/python -m benchmarks.lineage --rows $(or $(ROWS),10000000)
	@$(BIN)/python -m benchmarks.lineage_page

bench-entry: $(VENV)/dev.stamp ## How long `yuanqing serve` takes over a record and a thousand, alone, by a load, by eight at once (SECONDS_EACH=10)
	@$(BIN)/python -m benchmarks.entry --seconds $(or $(SECONDS_EACH),10)

bench-issues: $(VENV)/dev.stamp ## Time a million open issues: publishing, listing in groups, dispatching (ISSUES=1000000)
	@$(BIN)/python -m benchmarks.issues --issues $(or $(ISSUES),1000000)

lineage-proof: $(VENV)/run.stamp ## Judge the lineage of every column by execution: what changes with it, and what is claimed (SEEDS=6)
	@$(BIN)/python -m pipelines.lineage.proof --seeds $(or $(SEEDS),6)

lock: $(VENV)/dev.stamp ## Resolve the dependencies anew, with hashes and without host names
	@$(BIN)/python -m pip install --quiet uv
	@for part in sample:run dev:dev; do \
	  $(BIN)/uv pip compile pyproject.toml --extra $${part%:*} --extra serve --extra build --universal --python-version 3.11 --generate-hashes \
	    --no-emit-index-url --no-emit-find-links --no-header --no-annotate --quiet --output-file requirements/$${part#*:}.txt; done
	@$(BIN)/uv pip compile --group peers --universal --python-version 3.11 --generate-hashes \
	    --no-emit-index-url --no-emit-find-links --no-header --no-annotate --quiet --output-file requirements/peers.txt

clean: ## Remove the environment and everything that runs have made
	rm -rf $(VENV) data build *.egg-info .pytest_cache .ruff_cache .mypy_cache .hypothesis

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(not ((3, 11) <= sys.version_info < (3, 14)))' 2>/dev/null \
	  || { echo "Python 3.11, 3.12 or 3.13 is needed. Install it (Debian: apt install python3 python3-venv), or name it: make PYTHON=python3.12 ..."; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null \
	  || { echo "Python's venv module is missing. Install it (Debian: apt install python3-venv)."; exit 1; }
	@$(PYTHON) -m venv $(VENV)

# --no-deps: the lock lists everything, and pip's resolver refuses hashes for packages with extras.
$(VENV)/run.stamp: requirements/run.txt pyproject.toml | $(VENV)/bin/python
	@echo "Setting up: installing what is pinned in requirements/run.txt (a minute or two)"
	@$(BIN)/python -m pip install --quiet --no-deps --require-hashes --requirement requirements/run.txt
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/dev.stamp: requirements/dev.txt $(VENV)/run.stamp
	@$(BIN)/python -m pip install --quiet --no-deps --require-hashes --requirement requirements/dev.txt
	@touch $@

# What others need of their own may contradict ours. Where it cannot be installed, the benchmark leaves them out with a word.
$(VENV)/peers.stamp: requirements/peers.txt | $(VENV)/bin/python
	@echo "Setting up: other libraries to compare with, in $(VENV)/peers (a minute or two)"
	@$(PYTHON) -m venv $(VENV)/peers
	@$(VENV)/peers/bin/python -m pip install --quiet --no-deps --require-hashes --requirement requirements/peers.txt && touch $@ \
	  || echo "They could not be installed; the benchmark goes without them."

# splink runs in our process, on our duckdb and sqlglot: in a folder of its own, without what it asks for.
$(VENV)/splink.stamp: requirements/splink.txt | $(VENV)/bin/python
	@$(BIN)/python -m pip install --quiet --upgrade --no-deps --require-hashes --target $(VENV)/splink --requirement requirements/splink.txt && touch $@ \
	  || echo "splink could not be installed; the benchmark goes without it."
