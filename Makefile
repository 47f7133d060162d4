# The mall's tasks; `make` alone lists them. Whatever is longer than a few lines is a script in .tools/.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VERSION   := $(shell git describe --tags --always --dirty 2>/dev/null || echo unversioned)
LDFLAGS   := -X main.version=$(VERSION)
TOOLS     := .cache/bin/golangci-lint .cache/bin/gotestsum .cache/bin/oapi-codegen
WEB_DEPS  := web/node_modules/.package-lock.json
API_LINT  := .cache/lint-api/node_modules/.package-lock.json
# The Node.js that .tools/node.sh brings where the machine's own will not do; the folder is absent where it will.
export PATH := $(CURDIR)/.cache/node/bin:$(PATH)
PKG       ?= ./...
# What the built UI is made of: a change in any of it builds the UI again.
UI_PARTS  := $(shell find web -type d \( -name node_modules -o -name dist -o -name e2e \) -prune -o -type f ! -name '*.go' -print 2>/dev/null)

.PHONY: help
help: ## list the tasks
	@echo "make TASK, where TASK is one of:"
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { name[++n] = $$1; about[n] = $$2; if (length($$1) > wide) wide = length($$1) } \
		END { for (i = 1; i <= n; i++) printf "  %-" wide "s  %s\n", name[i], about[i] }' $(MAKEFILE_LIST)

## --- build and run

.PHONY: run
run: build ## build what changed and start the mall with its embedded stores
	@exec bin/mall serve

.PHONY: build
build: ui ## build bin/mall with the UI inside
	go build -ldflags '$(LDFLAGS)' -o bin/mall ./cmd/mall

.PHONY: ui
ui: web/dist/index.html ## build the web UI, if it changed

web/dist/index.html: $(UI_PARTS) $(WEB_DEPS)
	cd web && npm run --silent build
	@touch web/dist/.keep $@

.PHONY: node
node: ## bring the Node.js that the web needs into .cache/node, where the machine's own will not do
	@.tools/node.sh

$(WEB_DEPS): web/package.json web/package-lock.json | node
	cd web && npm ci --no-audit --no-fund
	@touch $@

## --- generated code

.PHONY: generate
generate: $(TOOLS) $(WEB_DEPS) ## write the code generated from the API description anew
	.tools/generate.sh .

.PHONY: generate-check
generate-check: $(TOOLS) $(WEB_DEPS) ## fail when the generated code differs from the API description
	.tools/generate.sh --check

$(API_LINT): .tools/lint-api/package.json .tools/lint-api/package-lock.json .tools/lint-api/.npmrc | node
	@mkdir -p .cache/lint-api && cp $^ .cache/lint-api
	cd .cache/lint-api && npm ci --no-audit --no-fund
	@touch $@

.PHONY: lint-api
lint-api: $(API_LINT) ## check the API descriptions with Spectral and Redocly; a warning fails
	@.tools/lint-api.sh

.PHONY: migration
migration: ## write the next pair of migrations: NAME=chat_room_colours (the owner of the table, then what)
	@.tools/migration.sh '$(NAME)'

.PHONY: licences
licences: $(WEB_DEPS) ## write the licences of what is bundled into docs/licences.md
	@.tools/licences.sh

## --- checks

.PHONY: setup
setup: ## install what the checks need, or say what is missing and how to get it
	@.tools/setup.sh
	@$(MAKE) --no-print-directory $(TOOLS) $(WEB_DEPS) $(API_LINT)

.PHONY: test
test: ## run every check and test; ends with a summary
	@.tools/test.sh

# SQLite in Go is C in another dress, with no memory of ours in it: the race detector finds nothing there, takes two minutes
# longer to compile it and makes the tests that stand on it three times as dear. (Not its callers: what they share is ours.)
RACE := -race -gcflags=modernc.org/sqlite/lib=-race=0

# The tests wait more than they work (two cores were idle for six tenths of the time), so twice as many packages as cores run.
AT_ONCE := $(shell echo $$(( 2 * $$(getconf _NPROCESSORS_ONLN) )))

.PHONY: test-go
test-go: .cache/bin/gotestsum ## run the Go tests with the race detector; PKG=./modules/chat/... for a part
	@mkdir -p .cache/logs
	.cache/bin/gotestsum --format pkgname --format-hide-empty-pkg --hide-summary skipped \
		--jsonfile .cache/logs/go-test.json -- $(RACE) -p $(AT_ONCE) -timeout 20m $(if $(CI),-count=1) $(PKG)

.PHONY: test-web
test-web: $(WEB_DEPS) ## run the web's unit tests
	cd web && npm run --silent test

.PHONY: e2e
e2e: build ## run the browser test on private servers and two instances
	go build -o .cache/bin/e2e-stack ./web/e2e/stack
	cd web && npx playwright test --config e2e/playwright.config.ts

.PHONY: faults
faults: ## break a whole mall of real processes in every way known, and once more with the race detector; nothing may be lost (docs/faults.md)
	@go build -o .cache/bin/faults ./cmd/faults
	@failed=0; .cache/bin/faults $(FAULTS) || failed=1; .cache/bin/faults -race -logs .cache/faults-race $(FAULTS) || failed=1; exit $$failed

.PHONY: faults-short
faults-short: ## a sample of the faults; FAULTS="-only redis" for some, with either task
	@go build -o .cache/bin/faults ./cmd/faults
	@.cache/bin/faults -short $(FAULTS)

.PHONY: faults-planted
faults-planted: ## plant known bugs into copies of the mall, one at a time, and require that the fault harness catches each
	@go build -o .cache/bin/faults ./cmd/faults
	@.cache/bin/faults -planted $(FAULTS)

.PHONY: engines
engines: ## play every suite on each database server and Redis that the mall is for; ENGINES="mariadb-11.8 go" for some
	@.tools/engines.sh $(ENGINES)

.PHONY: attacks
attacks: ## play what a stranger might try against the running program (docs/attacks.md); ATTACKS="-run TestFloods" for some
	go test -count=1 -timeout 10m ./cmd/attacks $(ATTACKS)

.PHONY: fuzz
fuzz: ## run each fuzz target for a minute; FUZZ_TIME=10m for longer, FUZZ=Decode for some
	@.tools/fuzz.sh $(or $(FUZZ_TIME),1m) '$(or $(FUZZ),.)'

.PHONY: fuzz-short
fuzz-short: ## run each fuzz target for five seconds
	@.tools/fuzz.sh $(or $(FUZZ_TIME),5s) '$(or $(FUZZ),.)'

.PHONY: load
load: ## measure what the mall can carry (docs/loadtest.md); LOAD="-only max,steady-1000" for some
	@go build -o .cache/bin/stage ./cmd/stage
	@.cache/bin/stage $(LOAD)

.PHONY: load-short
load-short: ## a few seconds of each load: a check that nothing is lost, doubled or out of order
	@go build -o .cache/bin/stage ./cmd/stage
	@.cache/bin/stage -short $(LOAD)

BENCHES := ./modules/chat ./modules/chat/internal/... ./modules/platform/pubsub
.PHONY: bench
bench: ## measure the hot paths' parts; BENCH=name keeps the result as .cache/bench/name.txt
	@mkdir -p .cache/bench
	go test -run '^$$' -bench . -benchmem -count 6 $(BENCHES) | tee .cache/bench/$(or $(BENCH),now).txt

.PHONY: bench-compare
bench-compare: .cache/bin/benchstat ## compare two results of make bench: OLD=name NEW=name
	.cache/bin/benchstat .cache/bench/$(OLD).txt .cache/bench/$(NEW).txt

.PHONY: lint
lint: .cache/bin/golangci-lint $(WEB_DEPS) ## lint the Go code and the web
	.cache/bin/golangci-lint run ./...
	cd web && npm run --silent lint

.PHONY: fmt
fmt: $(WEB_DEPS) ## format the Go code and the web
	gofmt -w cmd configs modules migrations web/*.go web/e2e
	cd web && npm run --silent format

## --- the programs used above, built from the versions that .tools/go.mod names

.PHONY: tools
tools: $(TOOLS) ## build the tools into .cache/bin

.cache/bin/golangci-lint: PACKAGE := github.com/golangci/golangci-lint/v2/cmd/golangci-lint
.cache/bin/gotestsum:     PACKAGE := gotest.tools/gotestsum
.cache/bin/oapi-codegen:  PACKAGE := github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen
.cache/bin/benchstat:     PACKAGE := golang.org/x/perf/cmd/benchstat
$(TOOLS) .cache/bin/benchstat: .tools/go.mod .tools/go.sum
	@echo "building $(@F) from source; golangci-lint takes a few minutes the first time"
	cd .tools && CGO_ENABLED=0 go build -trimpath -o ../$@ $(PACKAGE)
	@touch $@
