# Everything a developer does here; `make` alone lists it. The work is done by the programs named below, not by make.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.SUFFIXES:
MAKEFLAGS += --no-print-directory

PY := .venv/bin/python
CODE := app.py chalicelib functions infra tests benchmarks
JOBS ?= 2
UPGRADE ?=
FILE ?=
STAGE ?=
TESTS ?= tests
SIZE ?= house
MODULE ?= chalicelib.
# Files in the order that tests/conftest.py gives them, each as a whole to the next worker that has nothing to do.
PYTEST := $(PY) -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder
COVERAGE ?= --cov=chalicelib --cov=functions --cov=infra --cov-branch --cov-report=term:skip-covered

.PHONY: help setup setup-run run demo-call demo-booking demo-missed-call test check soak mutants bench bench-availability vectors release-check map package deploy \
	requirements clean reset need-file need-stage

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## Install what is pinned for running, testing and packaging (the other targets install what they need)
	@infra/setup.sh dev

setup-run:
	@infra/setup.sh run

run: setup-run ## The whole system on this machine, until Ctrl-C; PILOT_PORT chooses the port (8000)
	@$(PY) -m infra.local.run

demo-call: setup-run ## A phone call that becomes an appointment, played against `make run`
	@$(PY) -m infra.local.demo_call

demo-booking: setup-run ## A time that two want, a weekly course, a waiting list, played against `make run`
	@$(PY) -m infra.local.demo_booking

demo-missed-call: setup-run ## A call that nobody answers: mailbox, text back, alert, played against `make run`
	@$(PY) -m infra.local.demo_missed_call

test: setup ## Tests, without packages and in small; TESTS=tests/kills SIZE=check for some of them, as CI runs them
	@PILOT_TEST_SIZE=$(SIZE) $(PYTEST) $(if $(filter tests,$(TESTS)),-m "not check") $(TESTS)

check: setup ## What CI runs: ruff, mypy --strict, import-linter, all tests; COVERAGE= leaves out the branch coverage
	@$(PY) -m ruff check $(CODE)
	@$(PY) -m mypy --strict $(CODE)
	@.venv/bin/lint-imports
	@PILOT_TEST_SIZE=check $(PYTEST) $(COVERAGE) $(TESTS)

soak: setup ## Fifty rounds of every race, every kill, property tests with a thousand examples
	@PILOT_TEST_SIZE=soak $(PYTEST) $(wildcard tests/races tests/kills)
	@PILOT_TEST_SIZE=soak $(PYTEST) -m hypothesis --ignore tests/races tests

mutants: setup ## Change the rules one place at a time and run their tests on it; MODULE=chalicelib.core.unit for one of them
	@nice -n 10 $(PY) -m infra.mutants $(MODULE)

bench: setup ## Measure; writes docs/performance.md
	@$(PY) -m benchmarks

release-check: setup-run ## Judge every chain and try the backfill as a dry run of STAGE=local|dev|prod; exit 1 on any finding
	@./pilot --stage $(or $(STAGE),local) release-check

bench-availability: setup need-file ## Time the booking engine on the workload in FILE
	@$(PY) -m benchmarks.availability $(FILE)

vectors: setup need-file ## Run the availability vectors in FILE on the booking engine
	@$(PY) -m benchmarks.vectors $(FILE)

map: setup ## Draw the packages in docs/architecture.md anew, from the imports
	@$(PY) -m infra.package_map

package: setup need-stage ## Templates and deployment.zip for STAGE=dev|prod, into out/STAGE/
	@$(PY) -m infra.package --stage $(STAGE)

deploy: setup need-stage ## Package and deploy STAGE=dev|prod to AWS
	@$(PY) -m infra.package --stage $(STAGE)
	@$(PY) -m infra.deploy --stage $(STAGE)

requirements: ## Pin requirements*.txt anew from requirements*.in; UPGRADE=--upgrade for newer versions
	@infra/setup.sh lock $(UPGRADE)

clean: ## Remove what was built or cached; environments and local data stay
	@rm -rf out mutants .chalice/deployments .chalice/deployed .mypy_cache .ruff_cache .pytest_cache .hypothesis \
		.import_linter_cache .coverage .coverage.* .local/ministack-tmp-*
	@find app.py chalicelib functions infra tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

reset: setup-run ## Forget the local system's data (it must not be running)
	@$(PY) -m infra.local.reset

need-file:
	@test -n "$(FILE)" || { echo "Say which file: make $(firstword $(MAKECMDGOALS)) FILE=…" >&2; exit 2; }

need-stage:
	@case "$(STAGE)" in dev|prod) ;; *) echo "Say which stage: make $(firstword $(MAKECMDGOALS)) STAGE=dev" >&2; exit 2;; esac
