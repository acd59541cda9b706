# `make help` lists what there is.
.DEFAULT_GOAL := help
SHELL := /bin/bash

BINARY := target/debug/bedrock-sidecar
PID_FILE := .data/server.pid
LOG_FILE := .data/server.log

.PHONY: help
help: ## What there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 22

.PHONY: build
build: ## Build the local binary
	cargo build

.PHONY: run
run: .env build ## Serve on http://127.0.0.1:4000: Bedrock with AWS credentials, the simulated one without
	@$(BINARY) serve --simulated-without-credentials

.PHONY: try
try: can-build .env ## Try it: like `make run`, always with the simulated Bedrock, whatever credentials there are
	@echo "the first build takes some minutes and 3 GB in target/; nothing is installed elsewhere, and no AWS call is made"
	@cargo build
	@$(BINARY) serve --simulated

.PHONY: can-build
can-build:
	@command -v cargo >/dev/null || { echo "cargo is missing: install Rust from https://rustup.rs"; exit 1; }
	@command -v cc >/dev/null || { echo "a C compiler is missing: install gcc or clang (Debian: apt install build-essential; macOS: xcode-select --install)"; exit 1; }

.env:
	@install -m 600 .env.example .env
	@echo "made .env from .env.example: its key is a test key, refused where others can reach the port"

.PHONY: test
test: ## Run all tests
	cargo test $(TEST_ARGS)

.PHONY: faults
faults: ## Print the card: what becomes of eighteen faults, streaming and not, in both formats
	@cargo test -q --test promises faults:: -- --nocapture --test-threads=1

.PHONY: volume
volume: ## What lists and reports of a very large day cost: make volume VOLUME=1000000
	@$(if $(VOLUME),VOLUME=$(VOLUME)) cargo test -q --test promises volume:: -- --ignored --nocapture

.PHONY: soak
soak: ## Ten minutes of 50 streams with 20 % faults: make soak SOAK_SECONDS=180
	@$(if $(SOAK_SECONDS),SOAK_SECONDS=$(SOAK_SECONDS)) cargo test -q --test promises soak:: -- --ignored --nocapture

.PHONY: crashes
crashes: ## Kill the gateway 200 times at every step of a request, and at 1,000 web searches, replay its logs, check the books: make crashes CRASHES=50 SEARCHES=100
	@CRASHES=$(or $(CRASHES),200) SEARCHES=$(or $(SEARCHES),1000) cargo test -q --test promises crashes:: -- --nocapture

.PHONY: fuzz
fuzz: ## Ten minutes each of random requests and answers: make fuzz FUZZ_SECONDS=60, or a case again: FUZZ_SEED=…
	@$(if $(FUZZ_SECONDS),FUZZ_SECONDS=$(FUZZ_SECONDS)) $(if $(FUZZ_SEED),FUZZ_SEED=$(FUZZ_SEED)) \
		cargo test -q --test promises fuzz:: -- --ignored --nocapture

.PHONY: real-clients
real-clients: build ## Run Claude Code and Anthropic's SDKs, the newest ones, against the simulated Bedrock
	@tests/sdk/run

.PHONY: check
check: build ## Check a configuration and print its chains: make check CONFIG_FILE=path.yml
	@$(BINARY) check $(CONFIG_FILE)

.PHONY: start
start: .env build ## Serve in the background: make start CONFIG_FILE=prompt_caching.yml
	@if $(MAKE) -s status >/dev/null 2>&1; then echo "already running (pid $$(cat $(PID_FILE)))"; exit 1; fi
	@install -d -m 700 .data
	@$(if $(CONFIG_FILE),CONFIG_FILE=$(CONFIG_FILE)) nohup $(BINARY) serve --simulated-without-credentials \
		> $(LOG_FILE) 2>&1 < /dev/null & echo $$! > $(PID_FILE)
	@for _ in $$(seq 50); do \
		if grep -q 'listens on' $(LOG_FILE); then head -3 $(LOG_FILE); echo "  log: $(LOG_FILE), make stop ends it"; exit 0; fi; \
		if ! kill -0 "$$(cat $(PID_FILE))" 2>/dev/null; then break; fi; sleep 0.1; done; \
		cat $(LOG_FILE); rm -f $(PID_FILE); exit 1

.PHONY: stop
stop: ## End the background server
	@if $(MAKE) -s status >/dev/null 2>&1; then \
		pid=$$(cat $(PID_FILE)); kill "$$pid"; \
		while kill -0 "$$pid" 2>/dev/null; do sleep 0.1; done; echo "stopped"; \
	else echo "not running"; fi; rm -f $(PID_FILE)

.PHONY: restart
restart: stop start ## End the background server and start it again

.PHONY: status
status: ## Whether the background server runs
	@pid=$$(cat $(PID_FILE) 2>/dev/null) && ps -p "$$pid" -o command= 2>/dev/null | grep -q bedrock-sidecar \
		&& echo "running (pid $$pid)" || { echo "not running"; exit 1; }

.PHONY: env
env: ## Make .env from the AWS CLI's default profile; never overwrites one
	@if [ -e .env ]; then echo ".env is there already: move it away first"; exit 1; fi
	@command -v aws >/dev/null || { echo "the AWS CLI is not installed: https://aws.amazon.com/cli/"; exit 1; }
	@id=$$(aws configure get aws_access_key_id --profile default) || true; \
	secret=$$(aws configure get aws_secret_access_key --profile default) || true; \
	region=$$(aws configure get region --profile default) || true; \
	if [ -z "$$id" ] || [ -z "$$secret" ]; then echo "the AWS CLI's default profile has no access key: run 'aws configure'"; exit 1; fi; \
	umask 077; AWS_ID="$$id" AWS_SECRET="$$secret" AWS_REGION_FOUND="$${region:-us-east-1}" awk ' \
		/^AWS_ACCESS_KEY_ID=/ { print "AWS_ACCESS_KEY_ID=\"" ENVIRON["AWS_ID"] "\""; next } \
		/^AWS_SECRET_ACCESS_KEY=/ { print "AWS_SECRET_ACCESS_KEY=\"" ENVIRON["AWS_SECRET"] "\""; next } \
		/^AWS_REGION_NAME=/ { print "AWS_REGION_NAME=\"" ENVIRON["AWS_REGION_FOUND"] "\""; next } \
		{ print }' .env.example > .env; \
	echo "made .env with the default profile's access key (mode 600)"

# `make demo DEMO=.data/mine REQUESTS=5000`: elsewhere, with fewer.
DEMO ?= .data/demo

.PHONY: demo
demo: .env build ## Fill a local table with two months of a company's use, and serve it: all pages to look at
	@test -e $(DEMO) || cargo run --quiet -p benches --features demo --example demo -- $(DEMO) $(REQUESTS)
	@DATA_DIR=$(DEMO) $(BINARY) serve --simulated

# --- Measurements ---

# `make bench PROFILE=quick` while something changes: no fat LTO to wait for.
PROFILE ?= release
BENCH := target/bench
BUILT := target/$(PROFILE)

.PHONY: bench
bench: ## Measure against a bare pass-through; CELLS=words: that work alone, LITELLM=path: also LiteLLM, BEFORE=target/release of another tree: also that build
	@cargo build --quiet --profile $(PROFILE) -p bedrock-sidecar -p benches --bin bedrock-sidecar --example bare --example gauge
	@$(BUILT)/examples/gauge compare $(BUILT) $(BENCH)

.PHONY: bench-lambda
bench-lambda: ## Measure a new Lambda environment against a bare function
	@cargo build --quiet --profile $(PROFILE) --no-default-features -p bedrock-sidecar -p benches --bin bedrock-sidecar --example bare --example gauge
	@$(BUILT)/examples/gauge lambda $(BUILT)/examples/bare $(BUILT)/bedrock-sidecar $(BENCH)

.PHONY: bench-micro
bench-micro: ## Measure single steps
	@cargo bench -p benches --profile $(PROFILE)

.PHONY: counts
counts: ## Count instructions of fixed work: what CI compares
	@.ci/counts

# --- Lambda ---

# cargo-lambda, its linker and the SAM CLI, as .ci/tools installed them.
TOOLS := PATH="$(CURDIR)/.venv/bin:$$PATH" SAM_CLI_TELEMETRY=0
WATCH_PORT ?= 9000
EVENT ?= events/chat_stream.json

.PHONY: tools
tools:
	@.ci/tools

.PHONY: watch
watch: .env tools ## Serve as Lambda does, on http://127.0.0.1:9000: simulated Bedrock without AWS credentials
	@$(TOOLS) cargo lambda watch --invoke-address 127.0.0.1 --invoke-port $(WATCH_PORT)

.PHONY: invoke
invoke: ## Send an event to `make watch`: make invoke EVENT=events/chat.json
	@curl -sSNi --data-binary @$(EVENT) http://127.0.0.1:$(WATCH_PORT)/2015-03-31/functions/bedrock-sidecar/invocations; echo

.PHONY: build-lambda
build-lambda: tools ## Build target/lambda/bedrock-sidecar/bootstrap for arm64: make build-lambda ARCH=x86-64
	@$(TOOLS) cargo lambda build --release --$(or $(ARCH),arm64)
	@ls -l target/lambda/bedrock-sidecar/bootstrap

.PHONY: release
release: tools ## Build what a release gives away: zips and servers for both processors, SBOMs, notes, checksums
	@$(TOOLS) .ci/release

.PHONY: template
template: ## Check template.yaml
	@.ci/template

# A stage is a stack of its own: make deploy STAGE=test, make logs STAGE=test, …
STAGE ?= prod
STACK ?= bedrock-sidecar$(if $(filter-out prod,$(STAGE)),-$(STAGE))
# What was answered when the stage was deployed: its region.
ANSWERS := $(if $(wildcard samconfig.local.toml),--config-file samconfig.local.toml --config-env $(or $(filter-out prod,$(STAGE)),default))

.PHONY: deploy
deploy: tools ## Deploy to AWS; the first time it makes the master key and shows it once: make deploy STAGE=test
	@$(TOOLS) STAGE=$(STAGE) .ci/deploy

.PHONY: logs
logs: tools ## Follow the deployed gateway's log
	@$(TOOLS) sam logs --stack-name $(STACK) --tail $(ANSWERS)

.PHONY: destroy
destroy: tools ## Delete the stack; its table stays unless WITH_TABLE=1
	@$(TOOLS) .venv/bin/python .ci/destroy.py $(STACK) $(STAGE) $(if $(WITH_TABLE),--with-table)

.PHONY: smoke
smoke: ## Try a deployed gateway: make smoke URL=https://….on.aws KEY=sk-…
	@python3 .ci/smoke.py "$(URL)" "$(KEY)" $(MODEL)
