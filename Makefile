# Needs GNU make and Python 3.11 to 3.13, nothing else. `make` lists the targets.
.DEFAULT_GOAL := help
# Runs $(1), prints the seconds that it took, and keeps its status.
define timed
@begun=$$(date +%s); { $(1); }; status=$$?; echo "  make $@: $$(($$(date +%s) - begun)) s"; exit $$status
endef

.PHONY: help demo test test-airflow test-airflows quick lint budgets audit docs lock bench faults fuzz clean distclean install install-demo python

export PYTHONPATH := $(CURDIR)/plugins:$(CURDIR)/include
# Airflow starts twice as fast from bytecode.
unexport PYTHONDONTWRITEBYTECODE

CHECK := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3 python; do \
	$$p -c '$(CHECK)' 2>/dev/null && { echo $$p; break; }; done)
VENV := .venv/bin

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):[^#]*## /  make \1\t/p' Makefile | expand -t 22
	@echo "  Variables: PYTHON=<path>; for demo also ONCE=1 PORT=8080 SIMULATOR_PORT=8099"

demo: install-demo ## a whole Airflow with every connector, against simulated vendors (ONCE=1 ends after the table)
	@$(VENV)/python -m local_airflow

SIDE_BY_SIDE := --maxprocesses=4 --dist=loadfile --no-loadscope-reorder

COVERAGE := --cov --cov-report=term:skip-covered --cov-fail-under=90
CORE := --include='*/ci_operators/core/*' --fail-under=100 --skip-covered

# Four at a time on two processors too: two of them test whole Airflows, and wait for most of their time.
test: install ## the whole test suite
	$(call timed,$(VENV)/python -m pytest --numprocesses=4 $(SIDE_BY_SIDE) $(COVERAGE) && $(VENV)/python -m coverage report $(CORE))

LINT := $(VENV)/ruff check && $(VENV)/ruff format --check && $(VENV)/mypy && $(VENV)/lint-imports
# A path, with or without ::test, or what -k takes.
CHOSEN = $(if $(wildcard $(firstword $(subst ::, ,$(T)))),$(T),-p tests.quick -k "$(T)")
QUICK = $(if $(T),$(CHOSEN),-p tests.quick --numprocesses=auto $(SIDE_BY_SIDE))

quick: install ## lint, types and the unit tests (tests/quick.py says which); T=<path or name> runs these tests alone
	$(call timed,$(if $(T),,$(LINT) && )$(VENV)/python -m pytest -q $(QUICK))

lint: install ## ruff, mypy, import-linter; biome and tsc for the pages' JavaScript; codespell; budgets
	@$(LINT) && $(VENV)/codespell
	@PYTHONPATH=plugins:include:. $(VENV)/python -m tests.phrases
	@PATH="$(CURDIR)/$(VENV):$$PATH" npm run --silent lint
	@PYTHONPATH=plugins:include:. $(VENV)/python -m tests.budgets

budgets: install ## the size of the tree against what pyproject.toml allows
	@PYTHONPATH=plugins:include:. $(VENV)/python -m tests.budgets

test-airflow: install ## the built wheel on another version of Airflow: AIRFLOW=3.1.8 (tests/versions.py names them)
	$(call timed,PYTHONPATH=plugins:include:. $(VENV)/python -m tests.versions $(or $(AIRFLOW),--in-turn))

test-airflows: install ## the same on all of these versions
	$(call timed,PYTHONPATH=plugins:include:. $(VENV)/python -m tests.versions --all)

audit: install ## the pinned requirements against published vulnerabilities
	@PYTHONPATH=plugins:include:. $(VENV)/python -m tests.package.audit

PIN := $(VENV)/uv pip compile --quiet --python-version 3.11 --no-header --no-annotate

lock: install ## pin everything again
	@$(PIN) --universal requirements-dev.txt -o requirements-lock.txt
	@$(PIN) --universal -c requirements-lock.txt requirements-demo.txt -o requirements-demo-lock.txt
	@$(PIN) --python-platform linux --generate-hashes -c requirements-lock.txt requirements-deploy.txt -o requirements-image.txt

docs: install ## the documentation site in build/docs; a broken link is an error
	@$(VENV)/python -m sphinx --fresh-env --fail-on-warning --keep-going --quiet -c docs . build/docs
	@echo "  build/docs/docs/index.html"

bench: install ## the project beside what people would do without it: a table, and build/benchmarks.png; BENCH="--quick" or names
	@$(VENV)/python -m benchmarks --plot build/benchmarks.png $(BENCH)

faults: install ## the fault matrix, printed
	@PYTHONPATH=plugins:include:. $(VENV)/python -m tests.faults.matrix

fuzz: install ## malformed vendor data for FUZZ="--minutes 5", or --hours, findings in build/fuzz
	@PYTHONPATH=plugins:include:. $(VENV)/python -m tests.fuzz $(FUZZ)

clean: $(if $(wildcard .demo),install-demo) ## delete the demo's data
	@! test -e $(VENV)/python || $(VENV)/python -m local_airflow.clean

distclean: clean ## delete the virtual environment too
	@rm -rf .venv build plugins/*.egg-info

install: python ## the virtual environment in .venv, with pinned packages
	@$(PYTHON) -m local_airflow.install requirements-lock.txt

install-demo: python
	@$(PYTHON) -m local_airflow.install requirements-demo-lock.txt

python:
	@test -n "$(PYTHON)" && "$(PYTHON)" -c '$(CHECK)' 2>/dev/null || { echo "Python 3.11, 3.12 or 3.13 is needed, and \
	'$(or $(PYTHON),python3)' is none: install one, or name it with make PYTHON=/path/to/python3 ..." >&2; exit 1; }
