# Nearlive: every command says in its comment what it is for; `make` alone lists them.
# What a command needs and the machine lacks, .ci/setup installs first.

TARGET := $(or $(CARGO_TARGET_DIR),target)
SEEDS  ?= 20
FOR    ?= 60
PACK   := .ci/patiently "building the player (two to three minutes the first time)" cargo run -q -p nearlive-pack
SERVER := .ci/patiently "building the server (two to three minutes the first time)" cargo build -q --profile demo -p nearlive-server
# Evaluated when a recipe runs, so after the set-up.
WEB     = RUSTUP_TOOLCHAIN=$$(.ci/wasm-toolchain)

export CARGO_TERM_COLOR ?= auto

help: ## list the commands
	@sed -n 's/^\([a-z-]*\):.*## /make \1\t/p' Makefile | expand -t 18

setup: ## install what is missing on this machine, and say why
	@.ci/setup

player: ## build the player into dist/ (FAST=1: quick to build, for developing)
	@.ci/setup wasm
	@$(PACK) $(if $(FAST),-- --fast)

demo: ## build all, start a test camera and the server, and say which page to open
	@.ci/setup wasm ffmpeg
	@$(PACK)
	@$(SERVER)
	@"$(TARGET)/demo/nearlive-server" demo $(ARGS)

gstreamer: ## build what reads cameras with GStreamer (engine = "gstreamer"), beside the server
	@.ci/setup engine
	cargo build -q --profile demo -p nearlive-gstreamer

serve: ## develop the page: Trunk rebuilds on every change, with the demo behind it
	@.ci/setup wasm ffmpeg trunk
	@$(PACK) $(if $(FAST),-- --fast)
	@$(SERVER)
	@.ci/serve "$(TARGET)/demo/nearlive-server"

test: test-setup lint ## lints, tests, 20 seeds of the simulator, fuzz targets once, real Chromium and Firefox
	@$(PACK)
	@$(SERVER) -p nearlive-camera
	@NEARLIVE_SEEDS=$(SEEDS) .ci/test
	@.ci/fuzz
	@node --test --test-reporter=spec --test-concurrency=2 tests/browser/*.test.mjs

test-setup:
	@.ci/setup wasm lint ffmpeg gstreamer browser fuzz

test-webkit: ## what has to work in every browser, in WebKitGTK
	@.ci/setup wasm ffmpeg webkit
	@$(PACK)
	@$(SERVER) -p nearlive-camera
	@node --test --test-reporter=spec tests/browser/core-webkit.mjs

lint: ## fmt and clippy, natively and for wasm32
	@.ci/setup wasm lint
	cargo fmt --all -- --check
	cargo fmt --all --manifest-path fuzz/Cargo.toml -- --check
	cargo clippy -q --workspace $$(.ci/with-gstreamer) --all-targets -- -D warnings
	cargo clippy -q -p nearlive-pack --all-targets --features size -- -D warnings
	$(WEB) cargo clippy -q -p nearlive --lib --bins --target wasm32-unknown-unknown -- -D warnings
	$(WEB) cargo clippy -q -p nearlive --lib --target wasm32-unknown-unknown --no-default-features --features dash -- -D warnings
	$(WEB) cargo clippy -q -p nearlive --lib --target wasm32-unknown-unknown --no-default-features --features hls -- -D warnings

soak: ## the tests with 200 seeds of the simulator instead of 20
	@.ci/setup ffmpeg gstreamer
	@NEARLIVE_SEEDS=200 .ci/test

fuzz: ## fuzz each reader of outside data for a minute (FOR=600: ten)
	@.ci/setup fuzz
	@.ci/fuzz $(FOR)

size: ## what a visitor downloads, and what it is made of; fails over the limit
	@.ci/setup wasm
	@$(PACK) --features size -- size

abr: ## judge the adaptation, live and on demand (MODEL=live: one of them; ARGS="--traces DIR")
	@for model in $(or $(MODEL),live film); do \
	  cargo run -q --release -p nearlive-simulator --bin abr -- --model $$model --plots "$(TARGET)/abr" --csv "$(TARGET)/abr-$$model.csv" $(ARGS) || exit; \
	done

bench: ## native benches, then start and live delay beside hls.js, dash.js and Shaka in Chromium
	@.ci/setup wasm ffmpeg bench
	@$(PACK)
	@$(SERVER)
	cargo bench -q -p nearlive
	@node benches/players/run.mjs --server "$(TARGET)/demo/nearlive-server" $(ARGS)

clean: ## remove everything that was built
	rm -rf "$(TARGET)" dist tests/browser/node_modules benches/players/node_modules

.PHONY: help setup player demo gstreamer serve test test-setup test-webkit lint soak fuzz size abr bench clean
