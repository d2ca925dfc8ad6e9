# Each target does its own set-up in .venv, once. `make help` lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
FILL := $(BIN)/python -m pipeline.sample.facilitate
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help packs loop test check lab bench simulate lock docs

help: ## list the commands
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "make %-8s %s\n", $$1, $$2}'

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| (echo "Python 3.11 or newer is needed: make PYTHON=python3.12 ..."; exit 2)
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Setting up $(VENV) (a few minutes, once)"
	@$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements.lock
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

packs: $(READY) ## the main job on the sample company: two cycles with their decisions, and the packs of the third
	@$(BIN)/calibrate import data/sample
	@for cycle in 2024 2025; do $(MAKE) --no-print-directory loop CYCLE=$$cycle || exit 1; done
	@$(BIN)/calibrate follow-up
	@$(BIN)/calibrate packs

loop: $(READY) # one cycle of the sample company: packs, forms filled in from its minutes, follow-up
	@$(BIN)/calibrate packs --cycle $(CYCLE)
	@$(FILL) data/sample/minutes reports/$(CYCLE) data/forms/$(CYCLE)
	@$(BIN)/calibrate record --lock data/forms/$(CYCLE)/*-decision-form.xlsx
	@$(BIN)/calibrate follow-up --cycle $(CYCLE)
	@$(FILL) data/sample/minutes reports/$(CYCLE) data/forms/$(CYCLE)
	@$(BIN)/calibrate record data/forms/$(CYCLE)/*-progress-form.xlsx

test: $(READY) ## all tests
	@$(BIN)/python -m pytest -n auto --dist loadgroup $(ARGS)

check: $(READY) ## style, types, structure, notebooks, docs: what must hold beside the tests
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python docs/generate.py --check

docs: $(READY) ## write again what is generated: data/README.md, help in the docs
	@$(BIN)/python docs/generate.py

lab: $(READY) ## JupyterLab with the right kernel
	@$(BIN)/jupyter lab --notebook-dir=. notebooks/explore/start_here.ipynb

bench: $(READY) ## benchmarks
	@for file in benchmarks/*.py; do echo "== $$file"; $(BIN)/python $$file || exit 1; done

simulate: $(READY) ## how often the methods are wrong, in 200 data sets (hours): ARGS="--seeds 20"
	@OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python benchmarks/simulations/simulate.py $(ARGS)

lock: $(READY) ## renew requirements.lock from pyproject.toml
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-header --all-extras --upgrade pyproject.toml -o requirements.lock
