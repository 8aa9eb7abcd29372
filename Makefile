# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# `make` prepares a checkout, `make demo` shows the collection at work, `make test` is everything that CI runs.
# The targets work on files below .cache only, by relative names, so that a checkout may have any name and any place.

STAGES := lint sanity units playbooks conformance molecule docs build
CI := PYTHONPATH=tests .cache/venv/bin/python -m ci

.PHONY: setup test demo bench matrix live clean help $(STAGES)
.DEFAULT_GOAL := setup

setup:
	@sh tests/ci/setup.sh

test $(STAGES) demo matrix: setup
	@$(CI) $@

bench live: setup
	@$(CI) $@

clean:
	rm -rf .cache .ansible tests/output opnc-integration-*.tar.gz

help:
	@echo "make [setup|demo|test|bench|matrix|live|clean], or a single stage of the test: $(STAGES)"
