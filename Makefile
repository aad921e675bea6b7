# Everything one does with Kubestats; `make` or `make help` tells what there is.
# Compiled things are kept outside the tree, in $XDG_CACHE_HOME/kubestats, unless CARGO_TARGET_DIR says otherwise.

SHELL := /bin/bash
.DEFAULT_GOAL := help
export CARGO_TARGET_DIR ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/kubestats/target

.PHONY: help setup run watch forge test lint site release bench fuzz samples screenshots clean

help: ## say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

setup: ## install what building, testing and running needs
	@.ci/setup

run: ## build and serve http://127.0.0.1:3000 on SQLite in ./data (ARGS="--config kubestats.yaml" adds options)
	@.ci/serve $(ARGS)

watch: ## like run, built and started again at every change
	@.ci/watch $(ARGS)

forge: ## a stand-in for GitHub, GitLab and Forgejo over the samples, with faults (REPOS=folder of bare repositories)
	@.ci/forge $(if $(REPOS),--repositories "$(REPOS)") $(ARGS)

test: ## unit, database, REST and browser tests (ONLY="rust", "api" or "browser" runs a part)
	@.ci/test $(ONLY)

soak: ## kills, every fault at every step, pushes, generated calls of the API, for as long as it takes (KILLS=1000 PUSHES=1000 CALLS=50000)
	@KUBESTATS_KILLS=$(or $(KILLS),1000) KUBESTATS_PUSHES=$(or $(PUSHES),1000) KUBESTATS_CALLS=$(or $(CALLS),50000) .ci/test soak

lint: ## format, clippy, dependency rules, licences, what deploy/ holds
	@.ci/lint

site: ## what browsers load, for development
	@.ci/site dev

release: ## one program with the site inside
	@.ci/release

bench: ## measure speed and memory, as ratios in one run, into docs/benchmarks.md (ARGS="commit slow" measures parts)
	@.ci/bench $(ARGS)

fuzz: ## the fuzz targets, a minute each (SECONDS_EACH=600 for longer)
	@server/crates/scan/fuzz/run $(or $(SECONDS_EACH),60)

samples: ## write the sample repositories under server/samples anew
	@server/samples/make

screenshots: ## pictures of every page, in end2end/screenshots
	@.ci/test screenshots

clean: ## remove what was built (not ./data)
	rm -rf "$(CARGO_TARGET_DIR)" "$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/kubestats"
