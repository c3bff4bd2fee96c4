# Sandhi's verbs. Each sets up what it needs; nothing has to be installed by hand.
SHELL := /bin/bash
.DEFAULT_GOAL := help
BIN := .venv/bin
export RASA_TELEMETRY_ENABLED := false
export TF_CPP_MIN_LOG_LEVEL := 3
export SQLALCHEMY_SILENCE_UBER_WARNING := 1

.PHONY: help setup run serve train test mutants check format bench safety nlu-report pictures lock clean

help: ## Show the verbs
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: ## Find Python 3.10 and install what the lock names
	@scripts/setup

run: setup ## Set up and start the demo clinic with the WhatsApp simulator
	@exec $(BIN)/sandhi up --demo

serve: setup ## Start the same processes for real use (reads .env)
	@exec $(BIN)/sandhi up

train: setup ## Train the model if data, domain or config changed
	@$(BIN)/sandhi train

test: setup ## Set up and test: lint, types, architecture, everything
	@scripts/test

mutants: setup ## Break one promise at a time and see that a test notices
	@$(BIN)/python -m tests.faults --jobs 2

check: setup ## Lint, format, types and the arrows of the house
	@scripts/check

format: setup ## Put the code into the house's format
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .

bench: setup ## Measure speed on this machine, against rasa init's assistant
	@$(BIN)/python -m bench

safety: setup train ## Measure the clinical gate
	@$(BIN)/python -m safety.measure

nlu-report: setup train ## Measure intents
	@$(BIN)/python -m assistant.nlu_report

pictures: setup train ## Take the README's pictures
	@$(BIN)/python scripts/pictures.py

lock: ## Resolve every dependency anew into the one lock
	@scripts/lock

clean: ## Remove what was built (not the clinic's data in var/)
	@rm -rf .venv models .rasa *.egg-info results .mypy_cache .ruff_cache .pytest_cache .hypothesis
