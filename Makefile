# `make` alone lists the targets. Everything is set up in .venv and written to build/.
PYTHON ?= python3
SECONDS ?= 20
BOARD ?= virtual
V := .venv/bin
STAMP := .venv/.ready

.DEFAULT_GOAL := help
.PHONY: help demo test check format bench proof test-system test-pico bench-pico repl clean setup

help: ## what can be done here
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

setup: $(STAMP) ## the virtual environment .venv, with pinned packages
$(STAMP): pyproject.toml tools/bootstrap.py
	@$(PYTHON) tools/bootstrap.py .venv
	@touch $@

demo: $(STAMP) ## chips -> batcher -> failing network -> collector, on real MicroPython (SECONDS=20 BOARD=virtual, or pico_w)
	@$(V)/batcher demo --seconds $(SECONDS) --board $(BOARD)

test: $(STAMP) ## the tests, on CPython and on real MicroPython
	@$(V)/python -m pytest -m "not proof and not system and not pico" -n auto --maxprocesses 4 --dist loadgroup

check: $(STAMP) ## format, lint, types: what CI checks
	@$(V)/python tools/check.py

format: $(STAMP) ## let ruff format the code
	@$(V)/ruff format . && $(V)/ruff check --fix .

bench: $(STAMP) ## costs and ratios, on real MicroPython -> build/bench.json
	@$(V)/batcher bench

proof: $(STAMP) ## the long proofs: power cuts, kills, soaks
	@$(V)/python -m pytest -m "proof" host_tests/test_motion.py
	@$(V)/python -m pytest -m "proof" -n 2 --dist loadgroup --ignore host_tests/test_motion.py

test-system: $(STAMP) ## real peers: needs Debian's mosquitto, nginx, influxdb (root for network namespaces)
	@$(V)/python -m pytest -m "system" -rs

test-pico: $(STAMP) ## the emulated Pico W: needs a MicroPython image
	@$(V)/python -m pytest -m "pico" -rs host_tests/pico/test_demo.py
	@$(V)/python -m pytest -m "pico and not proof" -rs -n 2 --dist loadgroup --no-loadscope-reorder host_tests/pico --ignore host_tests/pico/test_demo.py

bench-pico: $(STAMP) ## costs in emulated microseconds -> build/bench-pico.json
	@$(V)/batcher bench --pico

repl: $(STAMP) ## the firmware mounted on a board, and the lab module in its REPL
	@$(V)/batcher repl --mount firmware

clean: ## forget .venv and build/
	rm -rf .venv build tools/*.egg-info .hypothesis .ruff_cache .mypy_cache
