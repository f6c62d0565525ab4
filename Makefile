# Each target is a line or two: the work is in tools/, bench/ and the CLI.
.DEFAULT_GOAL := help
.PHONY: demo test fetch test-offline check test-all test-rest test-nightly test-arm64 lint bench help

demo:   ## build a small ML app, run it, change it, build it again
	@tools/setup
	@.venv/bin/python tools/demo.py

test:   ## what a change is tested with: minutes, no Docker, Go or Chromium
	@tools/setup test
	@.venv/bin/cnbkit prepare
	@tools/tests quick -m quick

fetch:  ## all that `make test` needs from the network: after it, it needs none
	@tools/setup test
	@.venv/bin/cnbkit prepare
	@tools/tests fetch -m "quick and fetches"

test-offline: fetch ## `make test` without a network, after that; as root
	@tools/without-network tools/tests offline -m quick

check:  ## the tests beside some files, and their style and types: make check FILES="buildpacks/pip"
	@tools/setup test
	@.venv/bin/python tools/check $(FILES)

test-all: ## all tests, also with pack, a Docker engine, kpack, Tekton, browsers
	@tools/setup everything
	@tools/tests all -m "quick or full"

test-rest: ## what test-all has besides test
	@tools/setup everything
	@tools/tests rest -m full

test-nightly:  ## the long ones: 2,500 random orders, long fuzz, arm64, NVIDIA's wheels
	@tools/setup everything
	@tools/tests nightly -m nightly
	@tools/tests fuzz -m "quick and hypothesis" --hypothesis-profile=long

attack-table:  ## the tests that docs/security.md names (or FILES of them), and their counts into that page
	@tools/setup test
	@.venv/bin/python -m tests.attacks.table $(FILES)

test-arm64:  ## of those, images for arm64, by qemu-user-static where it is another processor
	@tools/setup test
	@tools/tests arm64 -m nightly tests/arm64

lint:   ## check style, types, and that no registry's host name is committed
	@tools/setup test
	@.venv/bin/ruff check . && .venv/bin/ruff format --check .
	@tools/types
	@.venv/bin/cnbkit check --strict builder examples/buildpacks examples/buildpacks/os-packages examples/company-builder
	@tools/check-hosts

bench:  ## measure builds and rebuilds
	@tools/setup test
	@.venv/bin/python bench/run.py

help:   ## this list
	@sed -n 's/^\([a-z-]*\):  *## /\1	/p' Makefile
