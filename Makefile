# Each target is a line or two: the work is in tools/, bench/ and the CLI.
.DEFAULT_GOAL := help
.PHONY: demo test test-all test-nightly test-arm64 lint bench help

demo:   ## build a small ML app, run it, change it, build it again
	@tools/setup
	@.venv/bin/python tools/demo.py

test:   ## run all tests
	@tools/setup test
	@.venv/bin/pytest

test-arm64:  ## build and run images for arm64, by qemu-user-static where it is another processor
	@tools/setup test
	@.venv/bin/pytest tests/arm64

test-all: ## run all tests, more of the random ones; what would be skipped fails
	@tools/setup test
	@CNBKIT_NIGHTLY=1 .venv/bin/python -m pytest -p tests.everything
	@.venv/bin/python -m pytest -p tests.everything tests/arm64
	@.venv/bin/python -m pytest -p tests.everything tests/nvidia

test-nightly:  ## ten times as many random orders against the lifecycle, and NVIDIA's real wheels
	@tools/setup test
	@CNBKIT_NIGHTLY=1 .venv/bin/pytest tests/testing
	@.venv/bin/pytest tests/nvidia

lint:   ## check style, types, and that no registry's host name is committed
	@tools/setup test
	@.venv/bin/ruff check . && .venv/bin/ruff format --check .
	@.venv/bin/mypy sdk/src tests $$(git ls-files 'builder/*.py' 'buildpacks/*.py' 'tools/*.py' 'bench/*.py' 'examples/buildpacks/*.py' 'examples/company-builder/buildpacks/*.py' ':!bench/apps')
	@.venv/bin/cnbkit check --strict builder examples/buildpacks examples/buildpacks/os-packages examples/company-builder
	@tools/check-hosts

bench:  ## measure builds and rebuilds
	@tools/setup test
	@.venv/bin/python bench/run.py

help:   ## this list
	@sed -n 's/^\([a-z-]*\):  *## /\1	/p' Makefile
