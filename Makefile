# make demo: see it at work.  make test: everything that can be tested here.  make check: style and types.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test check format docs clean

demo: $(VENV)/.demo
	@$(BIN)/facteur demo

test: $(VENV)/.test
	@tests/support/install_servers.sh
	@$(BIN)/python -m tests.support.corpora
	$(BIN)/pytest --numprocesses=auto --dist=loadfile --no-loadscope-reorder

check: $(VENV)/.lint
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.lint
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/.demo
	$(BIN)/python -m bot.chat.manual > docs/commands.md

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "facteur needs Python 3.11 or newer: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
		echo "Python cannot make a virtual environment: apt-get install python3-venv"; exit 1; }
	@$(BIN)/pip install --quiet --upgrade "pip>=25.1"

$(VENV)/.demo: pyproject.toml | $(BIN)/python
	@echo "Installing facteur into $(VENV) ..."
	@$(BIN)/pip install --quiet --editable ".[demo]"
	@touch $@

$(VENV)/.test: $(VENV)/.demo
	@$(BIN)/pip install --quiet --group test
	@# a Matrix homeserver for the tests, in an environment of its own: its requirements are not ours
	@$(PYTHON) -m venv $(VENV)/synapse && $(VENV)/synapse/bin/pip install --quiet "matrix-synapse>=1.140"
	@touch $@

$(VENV)/.lint: $(VENV)/.test
	@$(BIN)/pip install --quiet --group lint
	@touch $@
