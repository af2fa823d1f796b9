# Every target sets up what it needs first; what is set up already is not touched, and needs no network.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: help run serve test check bench package translations audit lock clean system-run system-serve system-test

help:
	@echo "make run      open the desk with a demo clinic"
	@echo "make serve    run the server on this machine, with a PostgreSQL and a Redis of its own"
	@echo "make test     run all tests"
	@echo "make check    format, lint, types, layers, licences"
	@echo "make bench    measure, beside the limits of this machine"
	@echo "make package  build the program for this system, in dist/"
	@echo "make audit    look for known vulnerabilities in what we depend on"
	@echo "make lock     pin the newest dependencies that pyproject.toml allows"
	@echo "make translations  compile resources/i18n, after a change of a .ts there"
	@echo "make clean    remove what was built, but not the environment"

# ---- set-up -------------------------------------------------------------------------------------------------------

system-run:
	@PYTHON=$(PYTHON) packaging/linux/system_packages.sh run

system-serve:
	@PYTHON=$(PYTHON) packaging/linux/system_packages.sh serve

system-test:
	@PYTHON=$(PYTHON) packaging/linux/system_packages.sh test

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "ClinicDesk needs Python 3.11 or newer; name one with: make PYTHON=python3.11"; exit 1; }
	@echo "Setting up $(VENV)"
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.run: requirements/run.txt | $(BIN)/python
	@echo "Installing $<"
	@$(PIP) install --require-hashes --requirement $<
	@touch $@

$(VENV)/.server: requirements/server.txt | $(VENV)/.run
	@echo "Installing $<"
	@$(PIP) install --require-hashes --requirement $<
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.run
	@echo "Installing $<"
	@$(PIP) install --require-hashes --requirement $<
	@touch $@

$(VENV)/.project: pyproject.toml $(VENV)/.run
	@$(PIP) install --no-deps --no-build-isolation --no-index --editable .
	@touch $@

# ---- work ---------------------------------------------------------------------------------------------------------

run: | system-run
run: $(VENV)/.project
ifeq ($(DISPLAY)$(WAYLAND_DISPLAY),)
	@echo "There is no display here: the desk does its main job offscreen, with a picture of each step in build/tour/."
	@rm -rf build/tour build/tour-data
	@mkdir -p build
	@XDG_CACHE_HOME=$(CURDIR)/build/tour-data/cache XDG_CONFIG_HOME=$(CURDIR)/build/tour-data/config \
		QT_QPA_PLATFORM=offscreen $(BIN)/clinicdesk --demo --data-dir build/tour-data/clinic --tour build/tour
else
	@$(BIN)/clinicdesk --demo
endif

serve: | system-serve
serve: $(VENV)/.project $(VENV)/.server
	@exec $(BIN)/python packaging/server/serve.py build/serve

test: | system-test
test: $(VENV)/.project $(VENV)/.dev
	QT_QPA_PLATFORM=offscreen $(BIN)/python -m pytest --numprocesses=2 $(TESTS)

# Licences that a program under Apache-2.0 may be shipped with. sqlcipher3 states none in its metadata: its file is zlib's.
LICENCES     := Apache;BSD;ISC;LGPL;MIT;Mozilla;PSF
RUN_PACKAGES  = $(shell sed -n 's/==.*//p' requirements/run.txt)

check: $(VENV)/.project $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@$(BIN)/pip-licenses --packages $(RUN_PACKAGES) --ignore-packages sqlcipher3 --partial-match \
		--allow-only="$(LICENCES)" >/dev/null && echo "Licences of what is shipped: kept."

bench: | system-test
bench: $(VENV)/.project $(VENV)/.dev
	$(BIN)/python -m tests.benchmarks

package: $(VENV)/.project $(VENV)/.dev
	$(BIN)/pyinstaller --noconfirm --distpath dist --workpath build/pyinstaller packaging/clinicdesk.spec

translations: $(VENV)/.run
	$(BIN)/pyside6-lrelease -silent resources/i18n/*.ts

audit: $(VENV)/.dev
	$(BIN)/pip-audit --strict --require-hashes --disable-pip --requirement requirements/run.txt --requirement requirements/dev.txt \
		--requirement requirements/server.txt

# The locks hold for every system and Python that pyproject.toml allows, and name no index. hatchling builds the project
# itself when it is installed.
UV_COMPILE = echo hatchling | $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
	--strip-extras --custom-compile-command "make lock"

# A server has no window: what is installed for one alone leaves Qt out.
WITHOUT_QT = $(addprefix --no-emit-package ,pyside6-essentials shiboken6 qtawesome qtpy)

lock: $(VENV)/.dev
	$(UV_COMPILE) --output-file requirements/run.txt pyproject.toml -
	$(UV_COMPILE) --output-file requirements/dev.txt --extra dev --extra server --constraints requirements/run.txt pyproject.toml -
	$(UV_COMPILE) --output-file requirements/server.txt --extra server --constraints requirements/dev.txt $(WITHOUT_QT) pyproject.toml -

clean:
	rm -rf build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage*
