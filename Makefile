# Two commands are enough: `make run` and `make test`. Everything they need is installed below .venv and .uv;
# the machine needs make and Python 3.11 or later, and the way to PyPI (or an index set by UV_DEFAULT_INDEX).

UV := $(or $(shell command -v uv 2>/dev/null),.uv/uv)
BIN := .venv/bin
# Certificates: what this machine trusts, not a list of uv's own.
export UV_NATIVE_TLS ?= 1
SEEDS ?= 200
FIRST_SEED ?= 1000

.DEFAULT_GOAL := help
.PHONY: help install run demo test check format bench sim docs clean

help: ## Show this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

install: .venv/.installed ## Install everything into .venv; the command is .venv/bin/everpost

.venv/.installed: pyproject.toml uv.lock $(filter .uv/uv,$(UV))
	$(UV) sync --frozen --quiet
	@touch $@

.uv/uv:
	python3 tools/get_uv.py .uv

run: install ## Start Everpost with sandbox providers and an inbox: http://127.0.0.1:8025
	$(BIN)/everpost dev

demo: install ## Send 200 mails while the first provider fails in three ways; count what was lost or doubled
	$(BIN)/everpost demo

test: check ## Run all checks and all tests
	$(BIN)/pytest -q

check: install ## Formatting, lint, strict types, layers, tidy rules
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/pytest -q tests/tidy

format: install ## Format the code and mend what can be mended by itself
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

sim: install ## Run the simulator on all cores: make sim SEEDS=200 FIRST_SEED=1000 SIM="--doublecheck"
	PYTHONPATH=tests $(BIN)/python -m sim --seeds $(SEEDS) --first-seed $(FIRST_SEED) $(SIM)

bench: install ## Measure speed, as ratios within one run: make bench QUICK=1 (under a minute)
	$(BIN)/python bench/run.py $(if $(QUICK),--quick)

docs: install ## Write the generated pages below docs/ anew
	$(BIN)/python tools/make_docs.py

clean: ## Remove what was installed and made here
	rm -rf .venv .uv .mypy_cache .pytest_cache .ruff_cache .hypothesis everpost-data bench/out
