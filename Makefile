# The two commands: `make run` and `make test`. Each does all of its own set-up, into .venv and web/node_modules, and
# works a second time without a network. `make help` tells of the others.

PORT ?= 8000
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/installed
SUPERGRAPH_INSTALLED := docs/supergraph/node_modules/.installed
FRONT_ENDS_INSTALLED := docs/front-ends/node_modules/.installed
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

# GraphiQL: built from web/ by Vite, with the Node.js on PATH or else that of .venv.
NPM := web/npm
WEB_INSTALLED := web/node_modules/.installed
BUNDLE := omniloket/bundle/index.html

.PHONY: run test engine-test access-test check format benchmark live-benchmark flood-benchmark holding-benchmark overload-benchmark constraints clean help graphiql screenshot

run: $(INSTALLED) graphiql ## the server on embedded back-ends with demo data
	$(BIN)/omniloket demo --port $(PORT)

# Processes that test side by side, each with servers of its own. Much of what they do is to wait for these. The tests of
# a file stay together, in their order: they share a server, and what it remembers.
TESTERS ?= 2

test: check graphiql $(SUPERGRAPH_INSTALLED) $(FRONT_ENDS_INSTALLED) ## everything that CI runs
	$(BIN)/pytest --numprocesses $(TESTERS) --dist loadfile

engine-test: $(INSTALLED) ## the engine against graphql-core, on ten times as many documents as make test
	OMNILOKET_TEST_DOCUMENTS=20000 $(BIN)/pytest --timeout 3600 --hypothesis-show-statistics tests/property/test_engine.py

DOCUMENTS ?= 100000

access-test: $(INSTALLED) ## who may see what, on more documents than make test asks: DOCUMENTS=100000
	OMNILOKET_TEST_ACCESS_DOCUMENTS=$(DOCUMENTS) $(BIN)/pytest --timeout=0 --hypothesis-show-statistics \
		tests/property/test_nothing_leaks.py tests/property/test_access_oracle.py

check: $(INSTALLED) $(WEB_INSTALLED) $(FRONT_ENDS_INSTALLED) ## format, lint, types, layers
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/basedpyright
	$(BIN)/lint-imports
	$(NPM) --prefix web run --silent check
	$(NPM) --prefix docs/front-ends run --silent check

format: $(INSTALLED) ## formats, and corrects what can be corrected by itself
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Omniloket needs Python 3.11 or later.")'
	$(PYTHON) -m venv .venv
	$(PIP) hatchling editables
	$(PIP) --no-build-isolation --editable '.[dev]'
	touch $@

# The gateway that the tests compose with, and the clients that they follow with.
$(SUPERGRAPH_INSTALLED) $(FRONT_ENDS_INSTALLED): docs/%/node_modules/.installed: docs/%/package.json | $(INSTALLED)
	$(NPM) --prefix docs/$* install --silent --no-package-lock
	touch $@

graphiql: $(BUNDLE) ## the page for a browser

$(BUNDLE): $(WEB_INSTALLED) $(wildcard web/*.*) $(wildcard docs/queries/*.graphql) docs/front-ends/resuming.ts
	$(NPM) --prefix web run --silent build
	touch $@

$(WEB_INSTALLED): $(INSTALLED) web/package.json web/package-lock.json web/.npmrc
	$(NPM) --prefix web ci --silent
	touch $@

screenshot: $(INSTALLED) $(BUNDLE) ## makes the README's picture of GraphiQL anew
	OMNILOKET_SCREENSHOT=docs/images/graphiql.png $(BIN)/pytest -q tests/end_to_end/test_graphiql.py -k live_status

benchmark: $(INSTALLED) ## what the main queries cost; see docs/benchmarks.md
	$(BIN)/python benchmarks/compare.py

live-benchmark: $(INSTALLED) ## what live updates cost; writes the figures into docs/benchmarks.md
	$(BIN)/python benchmarks/live.py --write

flood-benchmark: $(INSTALLED) ## what a flood of refused requests costs, and who notices; writes into docs/benchmarks.md
	$(BIN)/python benchmarks/flood.py --write

holding-benchmark: $(INSTALLED) ## how long the largest requests hold up the others; writes into docs/benchmarks.md
	$(BIN)/python benchmarks/holding.py --write

overload-benchmark: $(INSTALLED) ## what a server does with more than it can answer; writes into docs/benchmarks.md
	$(BIN)/python benchmarks/overload.py --write

constraints: $(INSTALLED) ## writes down the exact versions that are installed now
	$(BIN)/python -m pip freeze --exclude-editable --exclude omniloket | LC_ALL=C sort --ignore-case > constraints.txt

help: ## what there is to make
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-20s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

clean: ## forgets the installation and the demo data
	rm -rf .venv .omniloket web/node_modules omniloket/bundle docs/supergraph/node_modules docs/front-ends/node_modules
