# Needs GNU make and Python 3.11 to 3.13, nothing else. `make` lists the targets.
.DEFAULT_GOAL := help
# Runs $(1), prints the seconds that it took, and keeps its status.
define timed
@begun=$$(date +%s); { $(1); }; status=$$?; echo "  make $@: $$(($$(date +%s) - begun)) s"; exit $$status
endef

.PHONY: help demo test test-airflow test-airflows quick lint budgets audit lock bench faults fuzz clean distclean install install-demo python

export PYTHONPATH := $(CURDIR)/plugins:$(CURDIR)/include
# Airflow starts twice as fast from bytecode.
unexport PYTHONDONTWRITEBYTECODE

CHECK := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3 python; do \
	$$p -c '$(CHECK)' 2>/dev/null && { echo $$p; break; }; done)
VENV := .venv/bin

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):[^#]*## /  make \1\t/p' Makefile | expand -t 20
	@echo "  Variables: PYTHON=<path>; for demo also ONCE=1 PORT=8080 SIMULATOR_PORT=8099"

demo: install-demo ## a whole Airflow with both connectors towards a local simulator (ONCE=1 ends after the table)
	@$(VENV)/python -m local_airflow

# Side by side: of the time that a whole Airflow takes, it waits for most.
SIDE_BY_SIDE := --numprocesses=auto --maxprocesses=4 --dist=loadfile --no-loadscope-reorder

COVERAGE := --cov --cov-report=term:skip-covered --cov-fail-under=90
CORE := --include='*/ci_operators/core/*' --fail-under=100 --skip-covered

test: install ## the whole test suite
	$(call timed,$(VENV)/python -m pytest $(SIDE_BY_SIDE) $(COVERAGE) && $(VENV)/python -m coverage report $(CORE))

LINT := $(VENV)/ruff check && $(VENV)/ruff format --check && $(VENV)/mypy && $(VENV)/lint-imports
# A path, with or without ::test, or what -k takes.
CHOSEN = $(if $(wildcard $(firstword $(subst ::, ,$(T)))),$(T),-p tests.quick -k "$(T)")
QUICK = $(if $(T),$(CHOSEN),-p tests.quick $(SIDE_BY_SIDE))

quick: install ## lint, types and the unit tests (tests/quick.py says which); T=<path or name> runs these tests alone
	$(call timed,$(if $(T),,$(LINT) && )$(VENV)/python -m pytest -q $(QUICK))

lint: install ## ruff, mypy, import-linter; biome and tsc for the pages' JavaScript; budgets
	@$(LINT)
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

lock: install ## pin everything anew
	@$(PIN) --universal requirements-dev.txt -o requirements-lock.txt
	@$(PIN) --universal -c requirements-lock.txt requirements-demo.txt -o requirements-demo-lock.txt
	@$(PIN) --python-platform linux --generate-hashes -c requirements-lock.txt requirements-deploy.txt -o requirements-image.txt

bench: install ## events per second, memory, run and parse times: a table, and a plot in build/
	@$(VENV)/python -m benchmarks --plot build/benchmarks.png

faults: install ## the fault matrix, printed
	@PYTHONPATH=plugins:include:. $(VENV)/python -m tests.faults.matrix

fuzz: install ## malformed vendor data for FUZZ="--minutes 5", or --hours, findings in build/fuzz
	@PYTHONPATH=plugins:include:. $(VENV)/python -m tests.fuzz $(FUZZ)

clean: $(if $(wildcard .demo),install-demo) ## delete the demo's data
	@! test -e $(VENV)/python || $(VENV)/python -m local_airflow.clean

distclean: clean ## delete the virtual environment too
	@rm -rf .venv build plugins/*.egg-info

install: python
	@$(PYTHON) -m local_airflow.install requirements-lock.txt

install-demo: python
	@$(PYTHON) -m local_airflow.install requirements-demo-lock.txt

python:
	@test -n "$(PYTHON)" && "$(PYTHON)" -c '$(CHECK)' 2>/dev/null || { echo "Python 3.11, 3.12 or 3.13 is needed, and \
	'$(or $(PYTHON),python3)' is none: install one, or name it with make PYTHON=/path/to/python3 ..." >&2; exit 1; }
