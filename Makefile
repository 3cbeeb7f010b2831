# The commands a person needs. `make help` lists them.
SHELL := /bin/bash
DATA ?= /var/lib/nubecita
JOBS ?= $(shell nproc)
NUBECITA := build/release/nubecita

.PHONY: help deps build run stop test test-unit test-system test-fuzz test-asan test-terraform bench format tidy clean

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | column -t -s $$'\t'

deps: ## install the packages that building and running need
	@scripts/deps.sh build
	@scripts/deps.sh run

build: ## the release binary: build/release/nubecita
	@scripts/deps.sh build
	@cmake --preset release >/dev/null
	@cmake --build --preset release -j $(JOBS) --target nubecita

run: deps build ## start the cloud and put the Ghost blog on it; the last line is its URL
	@DATA="$(DATA)" scripts/run.sh

stop: ## end the cloud and leave the machine as it was; the data stay in DATA
	@DATA="$(DATA)" scripts/stop.sh

test: ## every test: unit, sanitizers, fuzz (short), system tests with real clients
	@scripts/test.sh

test-unit: ## unit tests only
	@scripts/test.sh unit

test-system: ## black-box tests by real clients only
	@scripts/test.sh system

test-asan: ## unit tests under AddressSanitizer and UndefinedBehaviorSanitizer
	@scripts/test.sh asan

test-fuzz: ## every fuzz target for a short time
	@scripts/test.sh fuzz

test-terraform: ## real Terraform with the real AWS provider, the Go SDK, Ansible (builds them once; PARTS=stacks|sdk|ansible)
	@tests/terraform/run.sh $(PARTS)

bench: ## the numbers of the README
	@bench/run.sh

format: ## rewrite the sources with clang-format
	@git ls-files '*.cpp' '*.hpp' | xargs clang-format-19 -i

tidy: ## clang-tidy on the files that differ from the last commit (FILES=... for others, FILES=--all for all, in a quarter of an hour)
	@scripts/tidy.sh $(FILES)

clean: ## remove the build
	@rm -rf build
