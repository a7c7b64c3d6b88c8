# Everything a newcomer needs: `make run`, `make test`, `make check`. Each can be repeated and needs no other step.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: run test check format demo openapi locks bench-quick clean
.DEFAULT_GOAL := run

run: $(READY)  ## PostgreSQL, API and worker with a demonstration; says where to go
	casework run

demo: $(READY)  ## load the demonstration (once) into the database of ./var
	casework migrate
	casework demo

test: $(READY)  ## the whole suite, on every core
	pytest -n auto --dist worksteal

bench-quick: $(READY)  ## the two hot paths beside a hand-written server and Django REST framework; needs wrk
	@command -v wrk >/dev/null || { echo "install wrk (Debian: apt-get install wrk)"; exit 1; }
	@test -x .venv-bench/bin/python || $(PYTHON) -m venv .venv-bench
	$(BIN)/uv pip install --quiet --python .venv-bench/bin/python django djangorestframework "psycopg[binary]" gunicorn
	PYTHONPATH=src:. $(BIN)/python -m benchmarks.run

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
