# Two commands do everything: `make demo` and `make test`. The rest is for those who work here.
PYTHON ?= python3
PORT ?= 8470
DATA ?=
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo run test check format outside bench lock clean
.DELETE_ON_ERROR:

demo: $(VENV)/.runtime ## set up, then start with a demonstration practice
	$(BIN)/medstack serve --demo --port $(PORT) --data $(or $(DATA),demo-data)

run: $(VENV)/.runtime ## the same, empty, for real use
	$(BIN)/medstack serve --port $(PORT) --data $(or $(DATA),data)

test: $(VENV)/.dev system node_modules/.ready ## everything; names loudly what it could not run
	$(MAKE) --no-print-directory static
	$(BIN)/pytest -n 2 --dist loadgroup

check: $(VENV)/.dev ## format, lint, types, imports, unit and contract tests
	$(MAKE) --no-print-directory static
	$(BIN)/pytest -q -n 2 --dist loadgroup -m "not slow and not outside and not postgres" tests/unit tests/contracts

.PHONY: static system
static:
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo 2>/dev/null || $(BIN)/lint-imports

format: $(VENV)/.dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

outside: $(VENV)/.dev system node_modules/.ready ## real clients and servers knock on a running instance
	$(BIN)/pytest -n 2 --dist loadgroup -m outside

bench: $(VENV)/.dev ## every benchmark, medians and ratios side by side with the physical limit
	$(BIN)/python -m benchmarks

system:
	$(PYTHON) scripts/system_packages.py

lock: $(VENV)/.dev ## refresh the pinned, hashed requirements
	$(BIN)/python scripts/lock.py

$(VENV)/pyvenv.cfg:
	$(PYTHON) scripts/require_python.py
	$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: $(VENV)/pyvenv.cfg requirements/runtime.txt pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/runtime.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

$(VENV)/.dev: $(VENV)/pyvenv.cfg requirements/dev.txt pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@ $(VENV)/.runtime

node_modules/.ready: package.json package-lock.json .npmrc
	npm ci --silent --no-audit --no-fund
	touch $@

clean:
	rm -rf $(VENV) node_modules dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis
