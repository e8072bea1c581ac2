# Everyday commands. `make` alone lists them. What they need is installed first, and said.

HOSTS ?= 2
SUITES ?= bookworm,trixie
LAB ?= lab
VARIANT ?= plain
LOGIN ?= root
STAGES ?=
GATES ?=
CORES ?=
IMAGE ?= localhost/quantumsafe/openssh-stock:latest
BENCH_HOSTS ?= 1,4,8
REPEATS ?= 5
ABSENT ?= 2
SAMPLES ?=
RUNS ?= 30
WRITE ?=
N ?= 10000
D ?= 500
CASES ?=
MUTANTS ?= 0
NAMES ?=
JOBS ?= 2

BOOTSTRAP := @python3 -m lab.bootstrap
PYTHON := .venv/bin/python
export PYTHONDONTWRITEBYTECODE := 1
# What is built here is for tests: a mirror that lags will do.
export QUANTUMSAFE_OLD_ARCHIVE ?= 1

.DEFAULT_GOAL := help
.PHONY: help attack demo test test-all faults lint matrix test-unit test-integration test-modules molecule bench bench-login bench-rules conformance corpus fuzz mutants remove-proof lab-up lab-down lab-status docs clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | while IFS="$$(printf '\t')" read -r name text; do printf '  make %-17s %s\n' "$$name" "$$text"; done

demo: ## the whole job on test hosts made for it: from untouched to a post-quantum login
	$(BOOTSTRAP) && $(PYTHON) -m lab.demo

test: ## every test; STAGES="unit lint" for some stages only
	$(BOOTSTRAP) && $(PYTHON) -m tests.run $(STAGES)

test-all: ## every test, also those marked slow, and every fault (hours)
	$(BOOTSTRAP) && $(PYTHON) -m tests.run --all $(STAGES)

lint: ## every gate; GATES="ruff mypy" for some gates only
	$(BOOTSTRAP) python && $(PYTHON) -m tests.lint $(GATES)

matrix: ## ansible-test sanity on every ansible-core, from the oldest to the newest candidate (CORES=2.21.5 for some)
	$(BOOTSTRAP) python && $(PYTHON) -m tests.lint.matrix $(CORES)

test-unit: ## the quick tests: no Docker, no root
	$(BOOTSTRAP) python && $(PYTHON) -m tests.run unit

test-integration: ## the tests with real programs, containers and hosts
	$(BOOTSTRAP) && $(PYTHON) -m tests.run integration

test-modules: ## every module in four calls and in old and new Pythons; look and apply from a hundred states, killed, two at once (45 min)
	$(BOOTSTRAP) && $(PYTHON) -m pytest -q -m 'slow or not slow' $(wildcard tests/integration/test_oqs_*.py) $(patsubst %,tests/integration/test_%.py,ssh_probe key_files examples pythons look_apply)

molecule: ## the Molecule scenarios
	$(BOOTSTRAP) && $(PYTHON) -m tests.run molecule

conformance: ## does an image keep the contract? IMAGE=name
	$(BOOTSTRAP) && $(if $(filter localhost/quantumsafe/openssh-%,$(IMAGE)),$(PYTHON) images/build.py all >&2 && )$(PYTHON) tests/conformance/conformance.py '$(IMAGE)'

bench: ## against a good hand-written playbook, mitogen and pyinfra: BENCH_HOSTS=1,4,8 REPEATS=5 ABSENT=2 (hours; SAMPLES=file to do it in pieces); WRITE=1 into docs/
	$(BOOTSTRAP) && $(PYTHON) -m bench --hosts '$(BENCH_HOSTS)' --repeats '$(REPEATS)' --absent '$(ABSENT)' $(if $(SAMPLES),--samples '$(SAMPLES)') $(if $(WRITE),--write)

bench-login: ## how long a login takes, classical and post-quantum, with and without the hop; RUNS=30; WRITE=1 into docs/
	$(BOOTSTRAP) && $(PYTHON) -m bench.login --runs '$(RUNS)' $(if $(WRITE),--write)

bench-rules: ## how long it takes to judge 30,000 rules or a set of 200,000 networks
	$(BOOTSTRAP) && PYTHONPATH=collections $(PYTHON) -m bench.rules

faults: ## everything broken on purpose, one case after the other on a real host (CASES="disk rotation"); all of it, half an hour, with WRITE=1 into docs/
	$(BOOTSTRAP) && $(PYTHON) -m tests.e2e.faults $(CASES) $(if $(WRITE),--write)

fuzz: ## random edits against the real parsers: N=pure cases D=differential cases
	$(BOOTSTRAP) && $(PYTHON) -m tests.fuzz --pure '$(N)' --differential '$(D)'

corpus: ## files as real people have them: the real programs, real packets and our code agree (a minute; CASES="kube-mark.iptables" for some)
	$(BOOTSTRAP) && $(PYTHON) -m tests.corpus $(CASES)

mutants: ## do the unit tests notice broken code? editor and passwords, every mutant (MUTANTS=N of each only, JOBS=2)
	$(BOOTSTRAP) python && $(PYTHON) -m tests.mutants --sample '$(MUTANTS)' --jobs '$(JOBS)'

attack: ## every attack on this code, and each on a copy of it with its fix taken out (3 min; NAMES="test_..." for some)
	$(BOOTSTRAP) && $(PYTHON) -m tests.attacks $(NAMES)

remove-proof: ## what deployments and their removal leave on hosts, file by file: CASES="virgin ufw-alone" for some (40 min)
	$(BOOTSTRAP) && $(PYTHON) -m tests.e2e.removal $(CASES)

lab-up: ## start test hosts: HOSTS=3 (or web1,db1) SUITES=bookworm,trixie,forky LAB=name VARIANT=plain|docker|firewalls LOGIN=root|admin
	$(BOOTSTRAP) && python3 -m lab.lab up --lab '$(LAB)' --hosts '$(HOSTS)' --suites '$(SUITES)' --variant '$(VARIANT)' --user '$(LOGIN)'

lab-down: ## remove a lab: LAB=name
	@python3 -m lab.lab down --lab '$(LAB)'

lab-status: ## list labs and their hosts
	@python3 -m lab.lab status

docs: ## what is made from data: tables of variables, wrong input, kinds of hosts and attacks, the picture of the rooms
	$(BOOTSTRAP) python && export PYTHONPATH=collections && \
		for made in roles tables rooms; do $(PYTHON) -m docs.$$made || exit 1; done && $(PYTHON) -m tests.attacks --document

clean: ## remove what tests and tools left in the tree (labs stay: make lab-down)
	@rm -rf .venv .cache .ansible .mypy_cache .ruff_cache .pytest_cache .hypothesis tests/output *.tar.gz
	@find . -path ./.git -prune -o \( -name __pycache__ -o -name .mypy_cache \) -prune -exec rm -rf {} +
