# Everything lives in .venv; `make demo` and `make test` set it up first.
PYTHON ?= python3
BIN := .venv/bin
SERVE ?= 1
# a build imports some 3,000 modules: their compiled form is kept, whatever the machine's habit
unexport PYTHONDONTWRITEBYTECODE
export LEADHOUSE_ZOHO_DIR ?= $(realpath ../shared/real/zoho)

.PHONY: demo test test-faults lint style types layers sql setup browser lock clean bench

demo: setup ## build a simulated brokerage and open the dashboard (SERVE=0: build and stop; LEADS=1200: a small one)
	$(BIN)/leadhouse demo $(if $(filter 0,$(SERVE)),--no-serve) $(if $(LEADS),--leads $(LEADS))

test: setup browser ## every test but the faults, fast ones first
	$(BIN)/python -m pytest -m "not faults" -n 2 --dist loadfile --no-loadscope-reorder

test-faults: setup ## kills, full disks, damage, clocks: real processes, at most 10 minutes (docs/reliability.md)
	timeout --signal=INT --kill-after=20 600 $(BIN)/python -m pytest tests/faults -n 2 --dist worksteal --durations 10

lint: style types layers sql ## style, types, layers, SQL

style: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup
	$(BIN)/mypy

layers: setup
	$(BIN)/lint-imports

sql: setup
	$(BIN)/sqlfluff lint --processes 2 dbt/models dbt/tests

setup: .venv/installed

.venv/installed: requirements.lock pyproject.toml
	$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { [ "$$(id -u)" = 0 ] && apt-get update -q && apt-get install -q -y python3-venv; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "$$(grep -o '^uv==[^ ]*' requirements.lock)"
	VIRTUAL_ENV=.venv $(BIN)/uv pip install --quiet --require-hashes -r requirements.lock || \
	  $(BIN)/python -m pip install --quiet --no-deps --require-hashes -r requirements.lock  # behind a proxy that only pip knows
	VIRTUAL_ENV=.venv $(BIN)/uv pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

browser: ## the browser of the tests; without root they skip, in CI they never do
	@command -v chromium chromium-browser google-chrome >/dev/null || { \
	  if [ "$$(id -u)" = 0 ]; then apt-get update -q && apt-get install -q -y --no-install-recommends chromium fonts-dejavu-core; \
	  else echo "no Chromium and not root: the browser tests will skip (apt-get install chromium)"; fi; }

bench: setup ## the figures of docs/performance.md
	$(BIN)/python tests/benchmark.py

lock: ## after a change of dependencies: pin them with hashes, without any address
	$(BIN)/uv lock
	$(BIN)/uv export --frozen --all-groups --no-emit-project --no-emit-index-url --no-header --no-annotate -o requirements.lock --quiet

clean:
	rm -rf .venv warehouse examples/*/warehouse dbt/target dbt/logs
