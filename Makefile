# make demo    install what is missing, and show what pylme does
# make test    the same set-up, then the whole test suite; without R it fails
# make test-newest, test-trixie   the whole suite on the R and lme4 of Debian forky and trixie, in roots
#              that debootstrap makes; ARGS="..." are arguments for pytest
# make lowest  the tests of the NumPy side with the lowest versions that are declared
# make marginaleffects   the tests of this extra, in an environment of its own
# make setup   what the tests and the linters need, in .venv
# make lint    ruff, mypy, import-linter, shell scripts, workflows and other files of the project
# make bench   what pylme costs, as ratios, in a quarter of an hour (bench-smoke: once, quickly)
# make campaign   3,000 random models and 500 generalized ones against an independent truth, in an hour
# make registry   documented models with published numbers, fitted again, and the table of the Validation page
# make simulations   coverage of intervals and size of tests, by thousands of simulated sets each
# make docs    the documentation, in docs/_build/html, and a browser that reads every page
# make release-dry-run   all that a release needs but the tag; make release makes the tag too
# make clean   everything that these made

SHELL := /bin/bash
BIN := .venv/bin
SETUP := pyproject.toml r_scripts/install_python.sh
SCRIPTS := r_scripts/install.sh r_scripts/install_python.sh .ci/run .ci/lowest.sh .ci/marginaleffects.sh .ci/debian_root.sh

.PHONY: demo setup test test-newest test-trixie lowest marginaleffects lint lint-files bench bench-smoke campaign registry simulations docs
.PHONY: clean
.PHONY: release release-dry-run release-check system system-docs system-test
# Two pips at work in one environment would break it.
.NOTPARALLEL:

demo: .venv/.stamp-demo
	@$(BIN)/pylme demo

# A test runs import-linter, hence the group lint. Each core runs the tests of a file after another,
# as the tests of a file share their fits.
test: system-test .venv/.stamp-test .venv/.stamp-lint
	PYLME_REQUIRE_R=1 $(BIN)/pytest -n auto --dist loadfile

test-newest:
	.ci/debian_root.sh forky $(or $(ARGS),-n auto --dist loadfile)

test-trixie:
	.ci/debian_root.sh trixie $(or $(ARGS),-n auto --dist loadfile)

setup: system-test .venv/.stamp-test .venv/.stamp-lint

lint: .venv/.stamp-lint lint-files
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	for script in $(SCRIPTS); do bash -n $$script || exit; done
	$(BIN)/shellcheck $(SCRIPTS)

# The files that other services read, by the schemas that come with check-jsonschema. zizmor looks
# for what makes a workflow unsafe; without --offline it would ask GitHub about the actions.
SCHEMA := $(BIN)/check-jsonschema --builtin-schema

lint-files: .venv/.stamp-lint
	$(BIN)/validate-pyproject pyproject.toml
	$(SCHEMA) vendor.citation-file-format CITATION.cff
	$(SCHEMA) vendor.readthedocs .readthedocs.yaml
	$(SCHEMA) vendor.dependabot .github/dependabot.yml
	$(SCHEMA) vendor.github-workflows .github/workflows/*.yml
	$(SCHEMA) vendor.github-issue-forms $(filter-out %/config.yml,$(wildcard .github/ISSUE_TEMPLATE/*.yml))
	$(SCHEMA) vendor.github-issue-config .github/ISSUE_TEMPLATE/config.yml
	$(BIN)/pre-commit validate-config
	$(BIN)/zizmor --quiet --offline --no-progress .github
	if [[ -x $(BIN)/hadolint ]]; then $(BIN)/hadolint Dockerfile; fi

lowest: .venv/.stamp-lowest
	.ci/lowest.sh

marginaleffects: .venv/.stamp-lowest
	.ci/marginaleffects.sh

release: .venv/.stamp-release
	$(BIN)/python .ci/release.py

release-dry-run: .venv/.stamp-release
	$(BIN)/python .ci/release.py --dry-run

release-check: .venv/.stamp-release
	$(BIN)/python .ci/release.py --check-only

bench: .venv/.stamp-bench
	$(BIN)/python -m tests.benchmarks.run --write docs/explanation/performance_table.md

bench-smoke: .venv/.stamp-bench
	$(BIN)/python -m tests.benchmarks.run --smoke

campaign: system-test .venv/.stamp-test
	$(BIN)/python -m tests.campaign --report tests/campaign/report.md
	$(BIN)/python -m tests.campaign.generalized --report tests/campaign/generalized/report.md

registry: system-test .venv/.stamp-registry
	$(BIN)/python -m tests.campaign.registry $(ARGS) --report docs/explanation/registry_table.md

simulations: system-test .venv/.stamp-test
	PYLME_REQUIRE_R=1 $(BIN)/pytest -n auto --dist loadfile -m simulation

docs: system-docs .venv/.stamp-docs
	$(BIN)/sphinx-build -W -n --keep-going -j auto docs docs/_build/html
	$(BIN)/python docs/read_pages.py docs/_build/html

clean:
	rm -rf .venv .venv-lowest .venv-marginaleffects dist docs/_build docs/reference/generated docs/how_to/thumbnails
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find pylme tests -name __pycache__ -type d -prune -exec rm -rf {} +

# R itself is looked at every time, which takes no time where nothing is missing.
system:
	@r_scripts/install.sh

system-test:
	@r_scripts/install.sh --test

system-docs:
	@r_scripts/install.sh --docs

.venv/.stamp-demo: $(SETUP) | system
	r_scripts/install_python.sh
	@touch $@

.venv/.stamp-%: $(SETUP) | system
	r_scripts/install_python.sh $*
	@touch $@
