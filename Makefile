# Needs Python 3.11 or later and make. Everything goes into .venv, beside this file.
PYTHON ?= python3
# Many tests wait for instruments: with three workers two cores stood still for a sixth of the time.
WORKERS ?= 4
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
CHROMIUM := $(shell command -v chromium || command -v chromium-browser || command -v google-chrome)

.PHONY: help demo test check check-types check-rest format prove chromium clean

help:
	@echo "make demo    a closed loop on a simulated bench, with a report at its end"
	@echo "make test    all checks and all tests"
	@echo "make check   linters, types and import rules"
	@echo "make format  let ruff lay out the code"
	@echo "make prove   the long proofs; goes on where it was interrupted; writes docs/proofs/"
	@echo "make clean   remove .venv and the caches (never your data)"

demo: $(VENV)/installed
	$(BIN)/autolab demo

test: check chromium
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

# The types take longest, on one core; the rest is done meanwhile on another.
check: $(VENV)/installed-dev
	@$(MAKE) --no-print-directory --jobs=2 check-types check-rest

check-types:
	PYRIGHT_PYTHON_IGNORE_WARNINGS=1 $(BIN)/pyright

check-rest:
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

format: $(VENV)/installed-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

prove: $(VENV)/installed-dev
	$(BIN)/python -m benchmarks.speed --page docs/proofs/speed.md --date "$$(date +%F)"
	$(BIN)/python -m benchmarks.kills --data autolab-data/proofs/kills --page docs/proofs/kills.md --date "$$(date +%F)"
	$(BIN)/python -m benchmarks.safestates --page docs/proofs/safe-states.md --date "$$(date +%F)"
	$(BIN)/python -m benchmarks.envelope --out autolab-data/proofs/envelope --page docs/proofs/envelope.md --date "$$(date +%F)"
	$(BIN)/python -m benchmarks.journal --page docs/proofs/journal.md --date "$$(date +%F)"
	$(BIN)/python -m benchmarks.mutants --data autolab-data/proofs/mutants --page docs/proofs/mutants.md --date "$$(date +%F)"
	$(BIN)/python -m benchmarks.watchdog --data autolab-data/proofs/watchdog --hour 1
	$(BIN)/python -m benchmarks.watchdog --data autolab-data/proofs/watchdog --page docs/proofs/watchdog.md --date "$$(date +%F)"
	$(BIN)/python -m benchmarks.guard --page docs/proofs/guard.md --date "$$(date +%F)"
	$(BIN)/python -m benchmarks.portfolio --page docs/proofs/portfolio.md --date "$$(date +%F)"
	$(BIN)/python -m benchmarks.suggestcost --out autolab-data/proofs/cost --page docs/proofs/suggest-cost.md --date "$$(date +%F)"
	$(BIN)/python -m benchmarks.constrained --page docs/proofs/constrained.md --date "$$(date +%F)"
	$(BIN)/python -m benchmarks.optimizer --out autolab-data/proofs/optimizer --page docs/proofs/optimizer.md --date "$$(date +%F)"
	$(BIN)/python -m benchmarks.hypervolume --out autolab-data/proofs/hypervolume --page docs/proofs/hypervolume.md --date "$$(date +%F)"
	$(BIN)/python -m benchmarks.waiting --out autolab-data/proofs/waiting --page docs/proofs/waiting.md --date "$$(date +%F)"
	$(BIN)/python -m benchmarks.importing --page docs/proofs/import.md --date "$$(date +%F)"
	$(BIN)/python -m benchmarks.confirming --out autolab-data/proofs/confirming --page docs/proofs/confirming.md --date "$$(date +%F)"
	$(BIN)/python -m benchmarks.misfits --page docs/proofs/misfits.md --date "$$(date +%F)"
	$(BIN)/python -m benchmarks.wholereview --data autolab-data/proofs/review --page docs/proofs/review.md --date "$$(date +%F)"
	$(BIN)/python -m benchmarks.emergency --data autolab-data/proofs/emergency --page docs/proofs/emergency-stop.md --date "$$(date +%F)"
	$(BIN)/python -m benchmarks.serverload --page docs/proofs/server.md --date "$$(date +%F)"
	$(BIN)/python -m benchmarks.serverday --page docs/proofs/server-day.md --date "$$(date +%F)"
	$(BIN)/python -m benchmarks.wildrequests --page docs/proofs/wild-requests.md --date "$$(date +%F)"
	$(BIN)/python -m benchmarks.loop --out autolab-data/proofs/loop --page docs/proofs/loop.md --date "$$(date +%F)"

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Autolab needs Python 3.11 or later, and '$(PYTHON)' is older: run 'make PYTHON=python3.11 …'"; exit 2; }
	$(PYTHON) -m venv $(VENV)

# The constraints pin every version, torch first of all. setuptools leaves its notes beside the sources: swept away.
$(VENV)/installed: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing Autolab into $(VENV); the first time this takes a few minutes."
	$(PIP) install --quiet --constraint constraints.txt --editable .
	@rm -rf autolab.egg-info build
	@touch $@

$(VENV)/installed-dev: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing Autolab and its tools into $(VENV); the first time this takes a few minutes."
	$(PIP) install --quiet --constraint constraints.txt --editable '.[dev]'
	@rm -rf autolab.egg-info build
	@touch $(VENV)/installed $@

# The browser tests look at the report in a real browser.
chromium:
ifeq ($(CHROMIUM),)
	@if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends chromium; \
	else \
	  echo "The browser tests need Chromium, which is missing. Install it, then run make again:"; \
	  echo "  sudo apt-get install chromium"; exit 2; \
	fi
endif

clean:
	rm -rf $(VENV) .pytest_cache .ruff_cache .hypothesis .import_linter_cache .grimp_cache build autolab.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
