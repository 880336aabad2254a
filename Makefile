# Two commands are enough: `make run` and `make test`. Everything they need is installed below .venv and .uv;
# the machine needs make and Python 3.11 or later, and the way to PyPI (or an index set by UV_DEFAULT_INDEX).

UV := $(or $(shell command -v uv 2>/dev/null),.uv/uv)
BIN := .venv/bin
# Certificates: what this machine trusts, not a list of uv's own.
export UV_NATIVE_TLS ?= 1
SEEDS ?= 200
TARGET ?= native
SECONDS ?= 60
EXAMPLES ?= 200
FIRST_SEED ?= 1000
BENCH = $(if $(QUICK),--quick) $(if $(PARTS),--parts $(PARTS)) $(if $(STORED),--stored $(STORED)) \
  $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(PAGE),--page)
ARCH ?= arm64
PYTHON ?= 3.13
KILLS ?= 500
CALLS ?= 200
POWER ?= 50

.DEFAULT_GOAL := help
.PHONY: help install run demo test check format crash bench sim fuzz lambda postman release-check deploy-test docs
.PHONY: pictures weight clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-13s %s\n", $$1, $$2}'

install: .venv/.installed ## Install everything into .venv; the command is .venv/bin/everpost

.venv/.installed: pyproject.toml uv.lock $(filter .uv/uv,$(UV))
	$(UV) sync --frozen --quiet
	@touch $@

.uv/uv:
	python3 tools/get_uv.py .uv

run: install ## Start Everpost with sandbox providers, a page and an inbox: http://127.0.0.1:8025
	$(BIN)/everpost dev

demo: install ## Send 200 mails while the first provider fails in three ways; count what was lost or doubled
	$(BIN)/everpost demo

test: check ## Run all checks and all tests
	$(BIN)/pytest -q --numprocesses auto --dist loadfile # a file is run by one process: what it starts is started once

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

bench: install ## Measure speed beside peers, as ratios within one run: make bench QUICK=1 (alone, under a minute)
	$(BIN)/python bench/run.py $(strip $(BENCH))

fuzz: install ## Look further than the tests: make fuzz TARGET=mime SECONDS=60; TARGET=api calls a server by its document
ifeq ($(TARGET),api)
	$(BIN)/pytest -q tests/api --api-examples $(EXAMPLES)
else
	$(UV) sync --frozen --quiet --group fuzz
	$(BIN)/python tools/run_fuzzer.py $(TARGET) $(SECONDS)
endif

lambda: install ## Build the zips of the Lambda functions below dist/: make lambda ARCH=x86_64 PYTHON=3.13
	$(BIN)/python tools/lambda_zip.py dist/lambda-$(ARCH).zip --arch $(ARCH) --python $(PYTHON) \
	  $(if $(INTERPRETER),--interpreter $(INTERPRETER))
	$(BIN)/python tools/lambda_zip.py dist/lambda-hooks-$(ARCH).zip --hooks --arch $(ARCH) --python $(PYTHON) \
	  $(if $(INTERPRETER),--interpreter $(INTERPRETER))

postman: install .newman/.installed ## Run the Postman collection against a server it starts, or BASE_URL=...
	PYTHONPATH=tests $(BIN)/python -m postman

.newman/.installed: postman/package.json postman/package-lock.json
	mkdir -p .newman
	cp $^ .newman
	cd .newman && npm ci --silent --no-audit --no-fund
	@touch $@

.node/.installed: tests/node/package.json tests/node/package-lock.json
	mkdir -p .node
	cp $^ .node
	ln -sfn ../tests/node .node/drivers
	cd .node && npm ci --silent --no-audit --no-fund
	@touch $@

release-check: install ## Audit, wheel, requirements and bill of materials, below dist/; AUDIT=must: fail where nobody can tell
	$(UV) sync --frozen --quiet --group release
	mkdir -p dist
	$(BIN)/python tools/supply_chain.py audit || [ $$? = 3 -a "$(AUDIT)" != must ]
	$(BIN)/python tools/supply_chain.py requirements dist/requirements.txt
	$(BIN)/python tools/supply_chain.py sbom dist/everpost.cdx.json
	$(BIN)/python tools/supply_chain.py wheel dist

crash: install ## Kill servers 500 times, fail 200 calls of each kind, cut the power: hours; make crash KILLS=50 CALLS=20
	$(BIN)/pytest -q -s tests/crash --kills $(KILLS) --fleet-strikes $(KILLS) --database-strikes $(KILLS) --storms \
	  --syscall-strikes $(CALLS) --power-seeds $(POWER)
	PYTHONPATH=tests $(BIN)/python tests/crash/recovery.py

deploy-test: install ## Apply deploy/aws to AWS's APIs on loopback, call it through its gateways, destroy it: some 6 minutes
	$(BIN)/pytest -q tests/deploy/test_deployed.py --deployed

docs: install ## Write the generated pages below docs/ anew
	$(BIN)/python tools/make_docs.py

pictures: install ## Take pictures of every view of the page anew, below docs/images; needs chromium
	PYTHONPATH=tests $(BIN)/python tools/picture_page.py

weight: install ## Tell what a visit of the page costs: KB, and ms until it shows something; needs chromium
	PYTHONPATH=tests $(BIN)/python tools/weigh_page.py

clean: ## Remove what was installed and made here
	rm -rf .venv .uv .newman .node .mypy_cache .pytest_cache .ruff_cache .hypothesis everpost-data bench/out
