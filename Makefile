# Two commands are enough: `make run` and `make test`. Everything they need is installed below .venv.

UV := $(shell command -v uv 2>/dev/null || echo .uv/bin/uv)
RUN := $(UV) run --frozen
SEEDS ?= 200

.DEFAULT_GOAL := help
.PHONY: help install run demo test check format bench sim crash docs clean

help: ## Show this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-9s %s\n", $$1, $$2}'
