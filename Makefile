PREFIX ?= $(HOME)/.local
# What to test: all, or some of lint, fast, vivid, uvc, loopback, or one target such as device_vivid.
SUITES ?=
# How long each fuzz target runs.
FUZZ_SECONDS ?= 300

built := $(or $(CARGO_TARGET_DIR),target)/release
binary := $(built)/camera-service

.DEFAULT_GOAL := help
.PHONY: help deps build run test lint vm-test bench fuzz install uninstall clean

help: ## what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

deps: ## install the Debian packages that are missing, for building and testing
	@scripts/deps.sh test

build: ## build the release binaries
	@scripts/deps.sh build
	cargo build --release --package camera-service --package control-gui

run: build ## build, start the service, open its window or say how to watch; Ctrl-C ends it
	@scripts/run.sh $(binary)

test: deps ## lint, and all tests: also in a guest with the kernel's real camera drivers
	@tests/run-suites.sh $(SUITES)

vm-test: deps ## only the tests in the guest
	@tests/run-suites.sh vivid uvc loopback

lint: ## formatting, clippy, scripts, licences
	cargo fmt --all --check
	cargo fmt --manifest-path tests/vm/uvcsim/Cargo.toml --check
	cargo clippy --workspace --all-targets --all-features -- -D warnings
	cargo clippy --manifest-path tests/vm/uvcsim/Cargo.toml --locked --target-dir $(or $(CARGO_TARGET_DIR),target)/uvcsim -- -D warnings
	cc -fsyntax-only -Wall -Wextra -Werror tests/shim/v4l2shim.c
	for script in .ci/run scripts/*.sh tests/*.sh tests/vm/*.sh; do bash -n "$$script" || exit; done
	@if cargo deny --version >/dev/null 2>&1; then \
	  echo cargo deny check; cargo deny --log-level warn check bans licenses sources; \
	else echo 'cargo-deny is not installed: licences and sources of dependencies not looked at'; fi

bench: ## figures of fan-out to readers, and of the window beside ffplay
	@scripts/deps.sh test
	cargo bench --package tests

fuzz: ## fuzz the decoder and the service, FUZZ_SECONDS each target; keeps the corpus
	@cargo fuzz --version >/dev/null 2>&1 || { echo 'Please run: cargo install cargo-fuzz --locked'; exit 1; }
	tests/fuzz/run.sh $(FUZZ_SECONDS)

bin := $(DESTDIR)$(PREFIX)/bin
share := $(DESTDIR)$(PREFIX)/share

install: build ## install the binaries, a menu entry and completions below PREFIX (~/.local)
	install -D -m 755 $(binary) $(bin)/camera-service
	install -D -m 755 $(built)/control-gui $(bin)/control-gui
	strip --strip-debug $(bin)/camera-service $(bin)/control-gui
	install -D -m 644 control-gui/assets/control-gui.desktop $(share)/applications/control-gui.desktop
	install -D -m 644 control-gui/assets/control-gui.svg $(share)/icons/hicolor/scalable/apps/control-gui.svg
	install -d $(share)/bash-completion/completions $(share)/zsh/site-functions $(share)/fish/vendor_completions.d
	$(binary) completions bash >$(share)/bash-completion/completions/camera-service
	$(binary) completions zsh >$(share)/zsh/site-functions/_camera-service
	$(binary) completions fish >$(share)/fish/vendor_completions.d/camera-service.fish

uninstall: ## remove them
	rm -f $(bin)/camera-service $(bin)/control-gui $(share)/applications/control-gui.desktop \
	  $(share)/icons/hicolor/scalable/apps/control-gui.svg $(share)/bash-completion/completions/camera-service \
	  $(share)/zsh/site-functions/_camera-service $(share)/fish/vendor_completions.d/camera-service.fish

clean: ## remove what was built
	cargo clean
