# Every target works from a fresh clone. Paths stay relative: make cannot hold a folder name with a space in a variable.
.DEFAULT_GOAL := help
PY := .venv/bin/python

help: ## Show what each target does
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

setup: .venv/ready ## Create .venv with pinned packages

.venv/ready: requirements.txt requirements-dev.txt setup.sh
	@sh setup.sh

run: setup ## Start the console on http://localhost:8501
	@exec $(PY) -m streamlit run app.py

test: setup ## Run the tests
	@$(PY) -m pytest -n 2 --dist loadfile --no-loadscope-reorder -m "not long"

check: setup format-check lint types layers test ## Check format, lint, types and layers, and run the tests

# Suites that may depend on the date or the Python version; browser, cluster and database tests run in `check` only.
SUITES := tests/unit tests/providers tests/generation tests/queries tests/pages tests/test_public_api.py
QUICKLY := -q -n 2 --dist loadfile --no-loadscope-reorder -m "not long"

check-clocks: setup ## Run the date-dependent suites under four shifted clocks; needs faketime
	@for at in "2026-12-20 12:00:00" "2027-01-20 09:00:00" "2027-03-28 00:30:00" "2028-02-29 23:50:00"; do \
		echo "At $$at:"; ahead=$$(($$(date -u -d "$$at" +%s) - $$(date +%s))); \
		faketime -f "+$$ahead" $(PY) -m pytest $(QUICKLY) $(SUITES) || exit 1; done

check-pythons: setup ## Run the same suites on every other Python on this machine, 3.11 to 3.14
	@for python in $$(sh pythons.sh); do \
		folder=.venv-$$("$$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])'); \
		[ -x "$$folder/bin/python" ] || "$$python" -m venv "$$folder" || exit 1; \
		$(PY) -m uv pip sync -q --python "$$folder/bin/python" requirements-dev.txt || exit 1; \
		echo "On $$("$$folder/bin/python" --version):"; "$$folder/bin/python" -m pytest $(QUICKLY) $(SUITES) || exit 1; done

# Debian's, where it is installed; any other folder that holds bin/postgres can be named.
POSTGRES_FOLDERS := /usr/lib/postgresql/*

# Of the hosted suites those that depend on Postgres itself.
HOSTED := $(addprefix tests/hosted/test_,attack_matrix.py postgrest.py figures.py roles.py)

check-postgres: setup ## The database suites on other versions of Postgres: POSTGRES_FOLDERS="a b"
	@for folder in $(POSTGRES_FOLDERS); do \
		[ -x "$$folder/bin/postgres" ] || { echo "no Postgres in $$folder" >&2; exit 1; }; \
		echo "On $$("$$folder/bin/postgres" --version):"; \
		POSTGRES_FOLDER=$$(cd "$$folder" && pwd) $(PY) -m pytest $(QUICKLY) tests/database tests/queries $(HOSTED) || exit 1; done

check-long: setup ## Run the long tests: kills, loads, fuzzing
	@$(PY) -m pytest -m long

bench: setup ## Run the benchmarks against the alternatives
	@$(PY) -m uv pip install -q -r benchmarks/requirements.txt
	@$(PY) -m benchmarks

pictures: setup ## Retake the README's screenshots
	@$(PY) -m docs.pictures

format: setup ## Format the code and fix lint errors
	@$(PY) -m ruff format . && $(PY) -m ruff check --fix .

format-check: setup
	@$(PY) -m ruff format --check .

lint: setup ## Run the linter
	@$(PY) -m ruff check .

types: setup ## Check the types
	@$(PY) -m mypy

layers: setup ## Check which modules may import which
	@$(PY) -c "from importlinter.cli import lint_imports_command; lint_imports_command()"

migration: setup ## Start a migration with what the schema has and the migrations lack: NAME=...
	@$(PY) -m tests.database.schema "$(NAME)"

lock: setup ## Pin the newest versions that pyproject.toml allows
	@$(PY) -m uv pip compile -q --upgrade --universal --python-version 3.11 pyproject.toml -o requirements.txt
	@$(PY) -m uv pip compile -q --upgrade --universal --python-version 3.11 --extra dev -c requirements.txt pyproject.toml -o requirements-dev.txt

.PHONY: help setup run test check check-clocks check-pythons check-postgres check-long bench pictures format format-check lint types layers migration lock
