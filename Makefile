# The two commands are `make nightly` and `make test`; `make help` lists the rest.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SUBSCRIBERS ?= 20000
DAYS ?= 35
SEED ?= 7

export MINGDAN_DATA ?= data
export DAGSTER_HOME ?= $(CURDIR)/.dagster_home
export DAGSTER_DISABLE_TELEMETRY := 1
# dg says so at length if another environment, or none, is active
export VIRTUAL_ENV := $(CURDIR)/$(VENV)

.PHONY: help nightly test lint types rewritten pytest java ui ui-readonly notebook bench lock clean
.DEFAULT_GOAL := help

help: ## What there is to do
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

# uv (pinned and hashed in the lock like everything else) installs the lock in
# seconds; where it finds no index, pip takes its configured one. Compiled once: a machine that
# writes no bytecode would do it anew for every process, a second for each that loads Dagster.
$(VENV)/.installed: requirements.lock pyproject.toml
	@echo "Installing into $(VENV) ..."
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Mingdan needs Python 3.11 or later; set PYTHON=..."; exit 1; }
	@$(PYTHON) -m venv $(VENV)
	@awk '/^uv==/{on=1} on{print} on && !/\\$$/{exit}' requirements.lock > $(VENV)/uv.lock
	@$(BIN)/pip install -q --disable-pip-version-check --no-deps --require-hashes -r $(VENV)/uv.lock
	@$(BIN)/uv pip install -q --compile-bytecode --python $(BIN)/python --no-deps --require-hashes \
		-r requirements.lock || \
		$(BIN)/pip install -q --no-deps --require-hashes -r requirements.lock
	@$(BIN)/pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@$(BIN)/python -m compileall -q -j 0 mingdan assets pipelines sql
	@touch $@

$(DAGSTER_HOME)/dagster.yaml: deploy/dagster.yaml
	@mkdir -p $(DAGSTER_HOME)
	@cp $< $@

nightly: $(VENV)/.installed $(DAGSTER_HOME)/dagster.yaml ## Run the last night, simulating an operator first if there is none
	@ASKED="$(filter command environment,$(origin SUBSCRIBERS) $(origin DAYS) $(origin SEED))" \
		BIN=$(BIN) SUBSCRIBERS=$(SUBSCRIBERS) DAYS=$(DAYS) SEED=$(SEED) DAY=$(DAY) sh deploy/nightly.sh

test: java $(VENV)/.installed ## Lint, types and the whole suite
	@$(MAKE) -s -O -j 2 lint types rewritten
	@$(MAKE) -s pytest

lint: $(VENV)/.installed ## Ruff and sqlfluff
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@PYTHONWARNINGS=ignore $(BIN)/sqlfluff lint sql --processes 2 --disable-progress-bar -q

types: $(VENV)/.installed ## mypy --strict
	@$(BIN)/mypy

# the engine over many machines is tested on a real local cluster
java:
	@[ -n "$$JAVA_HOME" ] || command -v java > /dev/null || \
		{ echo "The tests need Java 17 or later (Apache Spark): install openjdk-17-jre-headless or set JAVA_HOME."; exit 1; }

# what pytest makes of assertions is written down once: each worker would make it anew
rewritten: $(VENV)/.installed
	@PYTHONDONTWRITEBYTECODE= $(BIN)/pytest --collect-only -q > /dev/null || :

# Nothing the tests write is to outlive them: it is written to memory if there is plenty (2.5 GB
# of it), which takes a tenth to a fifth less time. A third worker gains nothing on two cores.
pytest: java $(VENV)/.installed ## The suite alone
	@room=$$(df -Pk /dev/shm 2> /dev/null | awk 'NR == 2 {print $$4}'); \
		if [ -z "$$TMPDIR" ] && [ "$${room:-0}" -gt 6000000 ]; then \
			TMPDIR=$$(mktemp -d /dev/shm/mingdan-tests-XXXXXX) && export TMPDIR; \
			trap 'rm -rf "$$TMPDIR"' EXIT; trap 'exit 130' INT TERM; \
		fi; \
		$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder

ui: $(VENV)/.installed $(DAGSTER_HOME)/dagster.yaml ## Dagster on this machine only (http://127.0.0.1:3000)
	@$(BIN)/dg dev -w workspace.yaml --host 127.0.0.1 --port 3000

ui-readonly: $(VENV)/.installed $(DAGSTER_HOME)/dagster.yaml ## The web server for analysts: nothing can be started
	@$(BIN)/dagster-webserver -w workspace.yaml --read-only --host 127.0.0.1 --port 3001

notebook: $(VENV)/.installed ## The notebooks as pages in build/
	@sh deploy/notebook.sh $(BIN) build last_night features
	@echo "build/last_night.html, build/features.html; browsers run their scripts from a web server only:"
	@echo "  $(BIN)/python -m http.server --bind 127.0.0.1 --directory build 8000"
	@echo "  then http://127.0.0.1:8000/last_night.html"

bench: $(VENV)/.installed ## Speed and quality against floors; see docs/performance.md
	@$(BIN)/python -m benchmarks

lock: $(VENV)/.installed ## Compile requirements.lock anew from pyproject.toml
	@$(BIN)/uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-header --no-annotate --no-strip-extras \
		-q -o requirements.lock

clean: ## Remove the environment, the simulated operator and the run history
	rm -rf $(VENV) data data.demo-keys .dagster_home build
