# Two commands: `make book` builds the book, `make test` checks it. Both install what they need into
# .venv on their first run. Another Python: make PYTHON=python3.13 book
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help book pdf epub test serve lab notebooks studies lint bench wheel versions clean

PYTHON ?= python3
PORT ?= 8000
BIN := .venv/bin
PAGES := _build/html
EXTRAS := book,workbench,paper,homework,cluster,test
# Timings, versions and the state of the editor go; outputs, counts and ids stay.
NORMALIZE := $(BIN)/nbstripout --keep-output --keep-count --keep-id \
  --extra-keys "metadata.language_info.version metadata.jupytext"
NOTEBOOKS = $(shell find book -name '*.ipynb' -not -path '*/.*' | sort)

help:  ## this list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile | expand -t 12

# Only pages that changed are built again, and all that show anything of them (book/extension.py).
# The book begins anew where what all pages share has changed, and after a build that complained.
book: _build/.begun .venv/.workbench  ## build the book as HTML and print where it is
	@$(BIN)/jupyter-book build -W -n --keep-going . || { rm -f _build/.begun; exit 1; }

_build/.begun: .venv/.installed Makefile _config.yml _toc.yml book/references.bib $(wildcard book/*.py) \
  lossnotes/moving.js $(wildcard lossnotes/pictures/* lossnotes/homework/*.py) $(shell find book/_static)
	@rm -rf _build
	@mkdir _build
	@touch $@

pdf: book  ## print the book, as A4 pages in one file
	@$(BIN)/python book/paper.py

epub: book  ## pack the book as an e-book, with its formulas as MathML
	@$(BIN)/python book/ebook.py

# Three workers share the cores: a thread of one that waits would keep them from the others.
test: export OPENBLAS_NUM_THREADS := 1
test: .venv/.installed .venv/.workbench  ## run every test, every notebook and the browser
	@$(BIN)/pytest -n 3 --dist loadfile --no-loadscope-reorder --nbval --nbval-current-env --nbval-cell-timeout 30 tests book

# What wakes when a reader presses "Try it". Where npm brings nothing, the book is built without.
.venv/.workbench: .venv/.installed book/workbench.py book/compile.mjs
	@$(BIN)/python book/workbench.py

serve:  ## build the book if it is not there, and serve it on localhost (PORT=8000)
	@test -f $(PAGES)/index.html || $(MAKE) book
	@$(PYTHON) -m http.server --bind 127.0.0.1 --directory $(PAGES) $(PORT)

lab: .venv/.installed-lab  ## open the notebooks in JupyterLab
	@$(BIN)/jupyter lab --notebook-dir=. book

notebooks: .venv/.installed  ## run every notebook again, in place
	@$(BIN)/jupyter nbconvert --to notebook --inplace --execute --ExecutePreprocessor.record_timing=False \
	  --NotebookExporter.preprocessors=nbconvert.preprocessors.CoalesceStreamsPreprocessor \
	  $(NOTEBOOKS) 2>&1 | { grep -v IPKernelApp || true; }
	@$(NORMALIZE) $(NOTEBOOKS)

# What is there is kept; stopped anywhere, it goes on. On a cluster: make studies SCHEDULER=tcp://...
studies: .venv/.installed-studies  ## compute the runs of the studies that are missing
	@for plan in studies/*/plan.toml; do \
	  $(BIN)/lossnotes study "$${plan%/plan.toml}" $(if $(SCHEDULER),--scheduler $(SCHEDULER)); done

lint: .venv/.installed  ## check the style of code and notebooks
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(NORMALIZE) --verify $(NOTEBOOKS) || { echo 'To normalize the notebooks: make notebooks'; exit 1; }

# Else threads of a competitor that wait for work would keep the next one from its cores.
bench: export OMP_WAIT_POLICY := passive
bench: .venv/.installed-bench  ## measure speed and accuracy beside SciPy and PyTorch
	@for file in benchmarks/*.py; do $(BIN)/python "$$file"; done

wheel: .venv/.installed  ## pack the library for students: no assignment is in it
	@rm -rf dist build
	@$(BIN)/python -m pip wheel --quiet --no-input --no-deps --no-build-isolation --wheel-dir dist .
	@rm -rf build
	@ls dist/*.whl

# In a clean environment, with every extra there is: an extra that is forgotten loses its pins.
versions:  ## print the newest versions of all that the project needs (PYTHON=python3.13)
	@folder=$$(mktemp -d); trap 'rm -rf "$$folder"' EXIT; $(PYTHON) -m venv "$$folder"; \
	extras=$$($(PYTHON) -c 'import tomllib; \
	  print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"], sep=",")'); \
	pip=("$$folder/bin/python" -m pip --disable-pip-version-check); \
	"$${pip[@]}" install --quiet --no-input --upgrade setuptools -e ".[$$extras]" >&2; \
	"$${pip[@]}" freeze --all --exclude lossnotes --exclude pip

clean:  ## remove the built book and every cache (.venv stays)
	@rm -rf _build build dist .pytest_cache .hypothesis .ruff_cache
	@find . -name __pycache__ -prune -exec rm -rf {} +
	@find . -name .ipynb_checkpoints -prune -exec rm -rf {} +

# One dot a package; the whole story is in .venv/install.log and is shown when it ends badly.
define install
$(BIN)/python -m pip install --no-input -c constraints.txt $(1) 2>&1 | tee .venv/install.log \
  | while read -r word _; do if [ "$$word" = Collecting ]; then printf .; fi; done \
  || { echo; tail -n 20 .venv/install.log; exit 1; }
endef

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Python 3.11 or newer is needed, and $(PYTHON) is not. Name another one: make PYTHON=python3.13 book"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "$(PYTHON) cannot make environments. On Debian and Ubuntu: apt install python3-venv"; exit 1; }
	@$(PYTHON) -m venv .venv

# setuptools comes first, at its own exact version, because it installs the others.
.venv/.installed: pyproject.toml constraints.txt | .venv/bin/python
	@printf 'Installing into .venv, a dot a package, one or two minutes: '
	@$(call install,setuptools)
	@$(call install,--no-build-isolation -e '.[$(EXTRAS)]')
	@echo ' done'
	@touch $@

.venv/.installed-%: .venv/.installed
	@printf 'Installing what "$*" needs: '
	@$(call install,--no-build-isolation -e '.[$*]')
	@echo ' done'
	@touch $@
