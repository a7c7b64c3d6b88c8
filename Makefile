# Everything a newcomer needs: `make run`, `make test`, `make check`. Each can be repeated and needs no other step.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: run test test-security test-api drills check format demo openapi locks bench bench-quick bench-ready clean
.DEFAULT_GOAL := run

run: $(READY)  ## PostgreSQL, API and worker with a demonstration; says where to go
	casework run

demo: $(READY)  ## load the demonstration (once) into the database of ./var
	casework migrate
	CASEWORK_ENVIRONMENT=development casework demo

test: $(READY)  ## the whole suite, on every core
	pytest -n auto --dist worksteal

test-security: $(READY)  ## the proofs of docs/security.md in their whole form: less than ten minutes
	pytest -n auto --dist worksteal --full -rP tests/security tests/architecture
	PYTHONPATH=src:. $(BIN)/python -m tests.security.timing

test-api: $(READY)  ## the contract under generated requests, as every role: four minutes at most
	timeout 240 pytest -n auto -p no:randomly --full tests/api

drills: $(READY)  ## floods and failures made on purpose
	pytest -m drill tests/drills

# BENCH_JSON=path writes JSON lines as well; BENCH= takes further options (python -m benchmarks.run --help).
bench: bench-ready  ## everything beside hand-written, Django REST framework, the template's way and pgbench; an hour, 30 GB of disk
	PYTHONPATH=src:. $(BIN)/python -m benchmarks.run --full $(BENCH)

bench-quick: bench-ready  ## the same at 20,000 cases in short rounds: less than five minutes
	PYTHONPATH=src:. $(BIN)/python -m benchmarks.run $(BENCH)

bench-ready: $(READY)
	@command -v wrk >/dev/null || { echo "install wrk (Debian: apt-get install wrk)"; exit 1; }
	@test -x .venv-bench/bin/python || $(PYTHON) -m venv .venv-bench
	$(BIN)/uv pip install --quiet --python .venv-bench/bin/python django djangorestframework "psycopg[binary]" gunicorn

check: $(READY)  ## format, lint, types, import contracts, dependencies, contract drift
	ruff format --check .
	ruff check .
	mypy src
	lint-imports
	deptry src
	@if command -v hadolint >/dev/null; then hadolint Dockerfile; fi
	casework openapi --check

format: $(READY)
	ruff check --fix .
	ruff format .

openapi: $(READY)  ## write openapi/openapi.json from the code
	casework openapi

locks: $(READY)  ## resolve the dependencies anew
	.ci/lock

clean:  ## remove what was built; ./var, with its data, stays
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

# pip installs uv, uv installs the rest: all by hash, the project itself without a build of its own surroundings.
$(READY): requirements-dev.lock .ci/bootstrap.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or later is needed; set PYTHON=") if sys.version_info < (3, 11) else None'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r .ci/bootstrap.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements-dev.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@
