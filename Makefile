# Everything happens in .venv. A stamp newer than pyproject.toml says that its packages are installed: a second run
# installs nothing and needs no network.
#
#   make train [ARGS="--epochs 20 --seed 1"]    train the digits network; results in runs/digits/
#   make test  [ARGS="-k matmul"]               the whole test suite
#   make lint                                   ruff: lint and format
#   make clean                                  remove .venv, runs and everything built

PYTHON ?= python3
ENV := .venv
RUN := $(ENV)/bin/python
INSTALL := $(RUN) -m pip install --quiet --disable-pip-version-check
ARGS ?=
# OpenMP's threads sleep between loops: where other programs run, spinning ones cost far more than they save.
export OMP_WAIT_POLICY ?= passive

.NOTPARALLEL:
.PHONY: train test lint clean

train: $(ENV)/examples.stamp
	$(RUN) -m tilewright train digits $(ARGS)

test: $(ENV)/dev.stamp
	$(RUN) -m pytest $(ARGS)

lint: $(ENV)/dev.stamp
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .

clean:
	rm -rf $(ENV) build dist runs *.egg-info .pytest_cache .ruff_cache .hypothesis .asv
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(ENV)/examples.stamp: $(ENV)/made.stamp pyproject.toml
	@echo "Installing into $(ENV) what training the examples needs (once)"
	$(INSTALL) --editable ".[examples]"
	@touch $@

# The test tools include the examples' packages.
$(ENV)/dev.stamp: $(ENV)/made.stamp pyproject.toml
	@echo "Installing into $(ENV) what the tests need (once)"
	$(INSTALL) --editable ".[dev]"
	@touch $(ENV)/examples.stamp $@

$(ENV)/made.stamp:
	@$(PYTHON) -c 'import sys; v = sys.version.split()[0]; \
		sys.exit(f"Tilewright needs Python 3.10 or newer, $(PYTHON) is {v}; name another: make PYTHON=python3.12") \
		if sys.version_info < (3, 10) else 0'
	$(PYTHON) -m venv $(ENV)
	@touch $@
