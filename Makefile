.DEFAULT_GOAL := help
PYTHON ?= python3
CONFIG ?= configs/default.yaml
A ?= champion
B ?= candidate
RUN ?= candidate
WORKERS ?= auto
BIN := .venv/bin
READY := .venv/.ready
SANITIZED := build/sanitized
SECONDS ?= 60
MUTATION_SECONDS ?= 7200
MUTATE ?=
QUALITY ?= configs/reuters.yaml
PARTS ?=

.PHONY: help install train evaluate curve predict serve bench-serve screenshots stack compare search reproduce check-data ui test mutation lint docs docs-serve format lock clean bench benchmark-quality wheel fuzz sanitize reliability sbom

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(READY) ## Make the environment in .venv from the lock file, with uv where it is installed, else pip

$(READY): requirements.lock pyproject.toml $(wildcard kernel/*)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "error: Python 3.11 or newer is needed; set PYTHON=..." >&2; exit 1; }
	@rm -rf .venv
	@if command -v uv >/dev/null; then \
		uv venv --quiet --python "$$(command -v $(PYTHON))" .venv && \
		uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r requirements.lock && \
		uv pip install --quiet --python $(BIN)/python --no-deps -e . ; \
	else \
		$(PYTHON) -m venv .venv && \
		$(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock && \
		$(BIN)/python -m pip install --quiet --no-deps -e . ; \
	fi
	@touch $@

train: $(READY) ## Train on data/, track the run, register the model as candidate
	$(BIN)/topics train --config $(CONFIG)

evaluate: $(READY) ## Measure the candidate on the test sets; champion if it passes the gate
	$(BIN)/topics evaluate --config $(CONFIG)

curve: $(READY) ## Measure what more data would bring; the next report draws it (about half a minute)
	$(BIN)/topics learning-curve --config $(CONFIG)

predict: $(READY) ## Label new articles: make predict INPUT=article.txt
	@test -n "$(INPUT)" || { echo "error: say what to label: make predict INPUT=path" >&2; exit 2; }
	@$(BIN)/topics predict $(INPUT)

compare: $(READY) ## Compare two models on the same rows: make compare A=champion B=candidate
	@$(BIN)/topics compare $(A) $(B) --config $(CONFIG)

search: $(READY) ## Search features, classifier and weights by cross-validation (start again to resume)
	$(BIN)/topics search

reproduce: $(READY) ## Rebuild a tracked run and compare every metric: make reproduce RUN=candidate
	$(BIN)/topics reproduce $(RUN) --config $(CONFIG)

check-data: $(READY) ## Check the labelled data: schema, duplicates, shares, names, agreement, and the data card
	$(BIN)/python -m pytest tests/test_data.py

serve: $(READY) ## Answer over HTTP and show the page to paste articles in, on loopback; SERVE="--port 8001" for options
	@$(BIN)/topics serve $(SERVE)

bench-serve: $(READY) ## Load the service on loopback with 1, 8 and 64 clients: requests a second, times, errors
	$(BIN)/python bench/serve.py

screenshots: $(READY) ## Take the pictures in docs/ anew (needs chromium)
	$(BIN)/python docs/screenshots.py

stack: ## Start the service, MLflow and PostgreSQL in containers (needs Docker); passwords are made in secrets/
	@mkdir -p -m 700 secrets
	@for name in topics_token postgres_password; do test -s secrets/$$name || \
		$(PYTHON) -c 'import secrets; print(secrets.token_urlsafe(32))' > secrets/$$name; done
	docker compose up --build --detach --wait

ui: $(READY) ## Open MLflow's page on the runs in models/, on loopback
	$(BIN)/topics ui --config $(CONFIG) $(UI)

test: $(READY) ## Run the tests, on every core; WORKERS=2 for fewer
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

mutation: $(READY) ## Mutate the code for at most MUTATION_SECONDS=7200 and count what the tests miss (start again to resume)
	$(BIN)/python tests/mutation.py $(MUTATE) --seconds $(MUTATION_SECONDS)

lint: $(READY) ## Check format, style, types and the direction of imports
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(READY) ## Build the documentation in site/, links checked
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build

docs-serve: $(READY) ## Show the documentation on loopback, renewed as its files change
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs serve

format: $(READY) ## Put the code in its format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: .venv/.bench ## Measure speed, memory and size beside scikit-learn and fastText
	$(BIN)/python -m bench --config $(CONFIG)

benchmark-quality: .venv/.bench ## Measure quality beside peers on Reuters-21578 (skipped where it is absent): QUALITY=config
	$(BIN)/python -m bench.quality --config $(QUALITY)

.venv/.bench: requirements-bench.lock $(READY)
	@if command -v uv >/dev/null; then \
		uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements-bench.lock; \
	else \
		$(BIN)/python -m pip install --quiet --require-hashes -r requirements-bench.lock; \
	fi
	@touch $@

wheel: $(READY) ## Build a wheel with the compiled kernel in dist/
	$(PYTHON) -m pip wheel --quiet --no-deps --wheel-dir dist .
	@ls dist

fuzz: $(READY) ## Mutate news for SECONDS=60, 10,000 model bundles, and 20,000 documents and tables
	$(BIN)/python tests/fuzz_kernel.py $(SECONDS)
	$(BIN)/python tests/fuzz_bundle.py 10000
	$(BIN)/python tests/fuzz_documents.py 20000

reliability: $(READY) ## Hold the project to each promise of docs/reliability.md (up to half an hour): PARTS="kills disk"
	$(BIN)/python tests/reliability.py $(PARTS)

sbom: $(READY) ## Write sbom.json, what is installed as a CycloneDX bill of materials, and count its licences
	$(PYTHON) -m venv build/sbom && build/sbom/bin/python -m pip install --quiet cyclonedx-bom
	build/sbom/bin/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible -o sbom.json $(BIN)/python
	$(BIN)/python tests/reliability_packages.py --licences sbom.json

sanitize: $(READY) ## Run the kernel's tests and the fuzzer under AddressSanitizer, which needs a C compiler
	rm -rf $(SANITIZED) && mkdir -p $(SANITIZED) && cp -r pipeline tests $(SANITIZED)
	rm -f $(SANITIZED)/pipeline/text/_kernel*.so
	$(CC) -std=c11 -O1 -g -Wall -Wextra -Werror -fsanitize=address,undefined -fno-sanitize-recover -shared -fPIC \
		"-I$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("include"))')" kernel/module.c -o \
		"$(SANITIZED)/pipeline/text/_kernel$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_config_var("EXT_SUFFIX"))')"
	export PYTHONPATH=$(SANITIZED) PYTHONMALLOC=malloc ASAN_OPTIONS=detect_leaks=0 \
		LD_PRELOAD="$$($(CC) -print-file-name=libasan.so) $$($(CC) -print-file-name=libubsan.so)" && \
		$(BIN)/python -P -m pytest -q -p no:cacheprovider $(SANITIZED)/tests/test_kernel.py && \
		$(BIN)/python -P $(SANITIZED)/tests/fuzz_kernel.py $(SECONDS)

lock: ## Pin all dependencies anew (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --extra dev --generate-hashes --no-annotate \
		--no-header --no-emit-index-url --no-emit-find-links pyproject.toml -o requirements.lock
	uv pip compile --quiet --universal --python-version 3.11 --extra bench --generate-hashes --no-annotate \
		--no-header --no-emit-index-url --no-emit-find-links --constraint requirements.lock pyproject.toml \
		-o requirements-bench.lock
	uv pip compile --quiet --universal --python-version 3.11 --extra serve --extra documents --extra language --generate-hashes \
		--no-annotate --no-header --no-emit-index-url --no-emit-find-links --constraint requirements.lock \
		pyproject.toml -o docker/serve.lock
	uv pip compile --quiet --universal --python-version 3.11 --extra tracking-server --generate-hashes \
		--no-annotate --no-header --no-emit-index-url --no-emit-find-links --constraint requirements.lock \
		pyproject.toml -o docker/mlflow.lock

clean: ## Remove the environment and caches; models/ and data/ stay
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis build *.egg-info
