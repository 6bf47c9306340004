# make demo: see Clos work.   make test: check all of it.   Both install into .venv first, without root.
PYTHON ?= python3
VENV   ?= .venv
JOBS   ?= 2

BIN := $(VENV)/bin
STAMP := $(VENV)/clos-installed.toml

.PHONY: demo test quick coverage lint bench docs lab-deps lab-test install clean

demo: install
	@$(BIN)/clos demo
	@echo
	@$(BIN)/clos demo --migration

test: install
	@$(BIN)/python -m pytest --numprocesses $(JOBS)

# What a change needs while it is made: few examples, and neither the lab nor what takes long.
quick: install
	@CLOS_EXAMPLES=$${CLOS_EXAMPLES:-20} $(BIN)/python -m pytest --numprocesses $(JOBS) -m "not slow and not lab"

# The same, and which lines it reaches; fails below the floor of pyproject.toml.
coverage: install
	@CLOS_EXAMPLES=$${CLOS_EXAMPLES:-20} $(BIN)/python -m pytest --numprocesses $(JOBS) -m "not slow and not lab" --cov --cov-report=term:skip-covered

lint: install
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: install
	@for each in startup pack compile push thousand confirm verify gate; do echo "== $$each"; $(BIN)/python -m benchmarks.$$each || exit 1; done

docs: install
	$(BIN)/python -m tests.support.docs

# The lab (docs/lab.md): Open vSwitch and Mininet with real packets. Linux, as root; Debian's names of packages.
LAB_PACKAGES := chromium prometheus etcd-server openvswitch-switch mininet frr tshark ethtool iproute2 iputils-ping util-linux

lab-deps: install
	@apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends $(LAB_PACKAGES)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev,lab]'

lab-test: install
	@CLOS_REQUIRE_LAB=1 $(BIN)/python -m pytest -m lab

# Reused for as long as pyproject.toml reads the same.
install:
	@cmp -s pyproject.toml $(STAMP) || $(MAKE) --no-print-directory .install

.PHONY: .install
.install:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Clos needs Python 3.11 or later; try: make PYTHON=python3.12"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || \
	  { echo "Python's venv module is missing; on Debian: sudo apt-get install python3-venv"; rm -rf $(VENV); exit 1; }
	@echo "Installing Clos and what it needs into $(VENV) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@cp pyproject.toml $(STAMP)

clean:
	rm -rf $(VENV) build dist *.egg-info .clos .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .coverage
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
