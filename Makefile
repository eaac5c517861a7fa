# Everything is installed into the checkout: .venv/ (Python) and var/ (Java class paths, data, logs).
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
BIN := .venv/bin
STAMPS := var/stamps
JAVA_MODULES := kafka expansion flink
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help install run test test-fast conformance mutants chaos soak lint format bench bench-parse bench-discovery bench-fetch bench-flood bench-portals bench-match scale learn fuzz docs audit licences lock clean

help: ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | column -t -s '|'

install: $(STAMPS)/project $(STAMPS)/java $(STAMPS)/overrides ## Install everything into the checkout (quick when nothing changed)

run: install ## The main job on real feeds, on a stack of its own; shows the result. CLUSTER=2: on a Flink cluster
	@$(BIN)/gogobe demo $(if $(CLUSTER),--flink-cluster $(CLUSTER))

# Three processes on two cores, because the tests wait for servers a third of their time. Tests that need the whole
# stack run one after the other: two stacks would share the cores.
test: install lint ## Lint, types and all tests, with real servers
	@$(BIN)/pytest -m "not integration and not acceptance" --numprocesses 3 --dist loadfile
	@$(BIN)/pytest -m "integration and not acceptance"

test-fast: install ## The tests that start no server, in under a minute
	@$(BIN)/pytest -m "not server and not slow and not integration and not acceptance" --numprocesses auto --dist worksteal

conformance: install ## The same inputs on every runner, compared row by row; some minutes
	@$(BIN)/python -m conformance

chaos: install ## Break the running system by a SEED, FAULTS times while FILES are loaded: nothing lost, nothing twice
	@$(BIN)/python -m chaos $(if $(SEED),--seed $(SEED)) $(if $(FILES),--files $(FILES)) $(if $(FAULTS),--faults $(FAULTS))

soak: install ## The system at a steady rate for MINUTES: memory, files, connections, lag; a test of what grows
	@$(BIN)/python -m soak $(if $(MINUTES),--minutes $(MINUTES))

mutants: install ## Take out one mechanism after the other: a test must notice each; some minutes
	@$(BIN)/python -m mutants $(if $(ONLY),--only "$(ONLY)")

lint: install ## Lint, format check, types, import contracts, Dockerfiles
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo --no-cache
	@$(BIN)/hadolint --config .hadolint.yaml Dockerfile.flink deploy/dataflow/Dockerfile

format: install ## Format the code
	@$(BIN)/ruff format
	@$(BIN)/ruff check --fix

bench: install ## Items a second and memory: parse, match, load, the whole pipeline
	@$(BIN)/python -m benchmarks.pipeline

bench-parse: install ## Parsing alone: ours, plain lxml loops and the usual package on the same feeds
	@$(BIN)/python -m benchmarks.parse

bench-discovery: install ## Discovery alone: 2,000 replica portals with a million files, one agent
	@$(BIN)/python -m benchmarks.discovery

bench-fetch: install ## Downloads alone: 10,000 files of 50 hosts, beside plain curl
	@$(BIN)/python -m benchmarks.fetch

bench-flood: install ## FILES of one chain announced at once, and single files of another meanwhile
	@$(BIN)/python -m benchmarks.flood $(if $(FILES),--files $(FILES))

bench-portals: install ## The pipeline behind a dead and a slow portal: 300 files of each, 300 healthy ones
	@$(BIN)/python -m benchmarks.portals

bench-match: install ## Matching alone: codes, names, indexes, a million masters
	@$(BIN)/python -m benchmarks.match

scale: install ## The stages on Flink clusters of 1, 2 and 4 workers: items a second, and where the time goes
	@$(BIN)/python -m benchmarks.scale

learn: install ## Learn the weights of the matcher anew, from CATALOGUE (CSV files of three chains or more)
	@$(BIN)/python -m gogobe.masters.evaluation.train $(CATALOGUE)

fuzz: install ## Broken feeds by the thousand: every one ends in rows or a named reason
	@$(BIN)/python -m benchmarks.fuzz

docs: install ## The documentation as a site, in var/site/html; a warning fails
	@$(BIN)/python -m website

audit: install $(STAMPS)/audit ## Known vulnerabilities of the locked Python packages; SERVICE=osv: another database
	@$(BIN)/python -m audit.advisories $(if $(SERVICE),--service $(SERVICE))

licences: install var/licences/java.tsv ## The licence of each package; fails if one does not allow commercial use
	@$(BIN)/python -m audit.licences --java var/licences/java.tsv

lock: install ## Write the locks anew from pyproject.toml, with the newest versions that fit
	@$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-annotate --no-header --group dev --group docs --group licences --extra plot pyproject.toml \
	  -o requirements.lock
	@$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-annotate --no-header --group audit -o requirements-audit.lock

clean: ## Remove what was installed, and the stack's data and logs
	@if [ -x $(BIN)/gogobe ]; then $(BIN)/gogobe down; fi
	rm -rf .venv var build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis

# --- the steps of `install`, each with a stamp of when it was last done --------------------------------------

$(STAMPS)/prerequisites: Makefile
	@missing=; \
	need() { if ! (eval "$$2") >/dev/null 2>&1; then echo "make install needs $$1: $$3" >&2; missing=1; fi; }; \
	need "Python 3.11, 3.12 or 3.13 with venv" \
	  '$(PYTHON) -c "import sys, venv, ensurepip; assert (3, 11) <= sys.version_info < (3, 14)"' \
	  'apt install python3 python3-venv, or name another with `make PYTHON=python3.12`'; \
	need "a JDK of version 17 or newer" \
	  '[ "$$("$${JAVA_HOME:+$$JAVA_HOME/bin/}java" -XshowSettings:properties -version 2>&1 | sed -n "s/.*java.specification.version = //p")" -ge 17 ]' \
	  'apt install openjdk-17-jdk-headless, or https://adoptium.net; JAVA_HOME wins over PATH'; \
	need "javac and jar, of the same JDK" \
	  '"$${JAVA_HOME:+$$JAVA_HOME/bin/}javac" -version && "$${JAVA_HOME:+$$JAVA_HOME/bin/}jar" --version' \
	  'a JRE has none: apt install openjdk-17-jdk-headless'; \
	need "Maven" 'mvn --version' 'apt install maven, or https://maven.apache.org/download.cgi'; \
	need "g++, which builds annoy" 'g++ --version' 'apt install g++'; \
	[ -z "$$missing" ]
	@mkdir -p $(@D) && touch $@

# pip only fetches uv, whose hashes stand in the lock; uv then makes the environment hold exactly the lock.
$(STAMPS)/python: requirements.lock | $(STAMPS)/prerequisites
	@[ -x $(BIN)/python ] || $(PYTHON) -m venv .venv
	@awk '/^[^ ]/ { uv = /^uv==/ } uv' requirements.lock > $(STAMPS)/uv.lock
	@[ -x $(BIN)/uv ] || $(BIN)/pip install --quiet --require-hashes --no-deps -r $(STAMPS)/uv.lock
	@echo "Installing the Python packages of requirements.lock into .venv/"
	@VIRTUAL_ENV=.venv $(BIN)/uv pip sync --quiet --require-hashes requirements.lock
	@rm -f $(STAMPS)/project
	@touch $@

# pip-audit in an environment of its own, only for `make audit`.
$(STAMPS)/audit: requirements-audit.lock | $(STAMPS)/python
	@echo "Installing pip-audit into var/audit/"
	@$(BIN)/uv venv --quiet --clear --python $(BIN)/python var/audit
	@VIRTUAL_ENV=var/audit $(BIN)/uv pip sync --quiet --require-hashes requirements-audit.lock \
	  || { echo "make audit: nothing was checked: pip-audit cannot be installed from the package index" >&2; exit 2; }
	@touch $@

$(STAMPS)/project: pyproject.toml setup.py $(STAMPS)/python
	@VIRTUAL_ENV=.venv $(BIN)/uv pip install --quiet --no-deps --editable .
	@touch $@

$(STAMPS)/java: java/pom.xml $(JAVA_MODULES:%=java/%/pom.xml) | $(STAMPS)/prerequisites
	@echo "Installing the Java class paths of java/pom.xml into var/java/"
	@rm -rf var/java
	@mvn --quiet --batch-mode --file java/pom.xml dependency:copy-dependencies 2>&1 \
	  | sed "s/$$(printf '\033')\[[0-9;]*m//g"  # Maven writes colour codes even into a pipe
	@rm -f $(STAMPS)/overrides
	@touch $@

var/licences/java.tsv: java/licences.ftl java/pom.xml $(JAVA_MODULES:%=java/%/pom.xml) | $(STAMPS)/prerequisites
	@echo "Reading the licences of the Java packages from their POMs"
	@mvn --quiet --batch-mode --file java/pom.xml org.codehaus.mojo:license-maven-plugin:aggregate-add-third-party 2>&1 \
	  | sed "s/$$(printf '\033')\[[0-9;]*m//g"
	@touch $@

# A few classes of ours that go before Beam's on the class path; each says why.
$(STAMPS)/overrides: java/overrides.sh $(shell find java/overrides -type f) $(STAMPS)/java
	@rm -rf var/java/overrides
	@bash java/overrides.sh var/java/expansion var/java/overrides.jar
	@touch $@
