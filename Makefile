# Everything a newcomer needs. `make help` lists the targets.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/installed

.DEFAULT_GOAL := help
.PHONY: help run test lint sure bench catalogue messages check-system clean

help: ## list what make can do
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

$(STAMP): setup.cfg setup.py pyproject.toml
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { echo "Python cannot make a virtual environment. On Debian: apt-get install python3-venv"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip --disable-pip-version-check -q install -e '.[postgresql,test,lint]'
	@touch $@

catalogue: $(STAMP)
	@$(BIN)/pybabel -q compile -d counsel/translations 2>/dev/null

run: $(STAMP) catalogue ## install, prepare, fill a fictional school once, serve on http://127.0.0.1:5000
	@$(BIN)/counsel demo --once
	@$(BIN)/counsel serve

check-system: $(STAMP)
	@$(PYTHON) tests/system_packages.py

test: $(STAMP) catalogue check-system ## every test, PostgreSQL and a real browser included
	$(BIN)/pytest -q -n 2 --dist loadgroup

lint: $(STAMP) ## format, lint, import order, types, templates
	$(BIN)/ruff format --check counsel tests bench migrations
	$(BIN)/ruff check counsel tests bench
	$(BIN)/lint-imports
	$(BIN)/mypy counsel
	$(BIN)/djlint templates --lint --profile jinja --ignore T002,H015,H043

sure: lint test ## lint and test: run before every commit

bench: $(STAMP) catalogue ## figures and ratios as JSON (QUICK=1 for under two minutes)
	@mkdir -p build
	$(BIN)/python -m bench $(if $(QUICK),--quick) | tee build/bench.json

clean: ## remove what make made; the instance folder stays
	rm -rf $(VENV) build dist *.egg-info

messages: $(STAMP) ## collect new texts into the Chinese catalogue
	@mkdir -p build
	$(BIN)/pybabel -q extract --ignore-dirs '.*' -F babel.cfg -k _l -k N_ --omit-header --no-location --sort-output -o build/messages.pot .
	$(BIN)/pybabel -q update -i build/messages.pot -d counsel/translations -l zh_Hans_CN --no-fuzzy-matching --ignore-obsolete
