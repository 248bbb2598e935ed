.DEFAULT_GOAL := help
PYTHON ?= python3
CONFIG ?= configs/default.yaml
BIN := .venv/bin
READY := .venv/.ready

.PHONY: help install train evaluate predict serve bench-serve screenshots ui test lint format check-data lock clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(READY) ## Make the environment in .venv from the lock file, with uv where it is installed, else pip

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "error: Python 3.11 or newer is needed; set PYTHON=..." >&2; exit 1; }
	@rm -rf .venv
	@if command -v uv >/dev/null; then \
		uv venv --quiet --python "$$(command -v $(PYTHON))" .venv && \
		uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock && \
		uv pip install --quiet --python $(BIN)/python --no-deps -e . ; \
	else \
		$(PYTHON) -m venv .venv && \
		$(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock && \
		$(BIN)/python -m pip install --quiet --no-deps -e . ; \
	fi
	@touch $@

train: $(READY) ## Train on data/, track the run, register the model as candidate
	$(BIN)/topics train --config $(CONFIG)

evaluate: $(READY) ## Score the candidate on the test side; champion if it passes the gate
	$(BIN)/topics evaluate --config $(CONFIG)

predict: $(READY) ## Label new articles: make predict INPUT=article.txt
	@test -n "$(INPUT)" || { echo "error: say what to label: make predict INPUT=path" >&2; exit 2; }
	@$(BIN)/topics predict $(INPUT)

serve: $(READY) ## Answer over HTTP and show the page to paste articles in, on loopback; SERVE="--port 8001" for options
	@$(BIN)/topics serve $(SERVE)

bench-serve: $(READY) ## Load the service on loopback with 1, 8 and 64 clients: requests a second, times, errors
	$(BIN)/python bench/serve.py

screenshots: $(READY) ## Take the pictures in docs/ anew (needs chromium)
	$(BIN)/python docs/screenshots.py

ui: $(READY) ## Open MLflow's page on the runs in models/, on loopback
	$(BIN)/topics ui --config $(CONFIG)

test: $(READY) ## Run the tests
	$(BIN)/python -m pytest

lint: $(READY) ## Check format, style, types and the direction of imports
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(READY) ## Put the code in its format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: ## Pin all dependencies anew (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --extra dev --generate-hashes --no-annotate \
		--no-header --no-emit-index-url --no-emit-find-links pyproject.toml -o requirements.lock
	uv pip compile --quiet --universal --python-version 3.11 --group serve --constraint requirements.lock \
		--generate-hashes --no-annotate --no-header --no-emit-index-url --no-emit-find-links -o docker/serve.lock

clean: ## Remove the environment and caches; models/ and data/ stay
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis build *.egg-info
