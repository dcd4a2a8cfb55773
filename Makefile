PREFIX ?= $(HOME)/.local
# What to test: all, or some of lint, fast, vivid, uvc, loopback, or one target such as device_vivid.
SUITES ?=
# How long each fuzz target runs.
FUZZ_SECONDS ?= 300

built := $(or $(CARGO_TARGET_DIR),target)/release
binary := $(built)/camera-service

.DEFAULT_GOAL := help
.PHONY: help deps build run test lint vm-test windows test-windows bench fuzz soak install uninstall deb completions clean

help: ## what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

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

windows: ## build camera-service.exe and control-gui.exe, without a warning (docs/windows.md)
	CARGO_BUILD_WARNINGS=deny tests/windows/win-check.sh build . camera-service --package control-gui --bins --release

test-windows: ## the tests as Windows programs, under Wine; SUITES as for tests/windows/run.sh
	@tests/windows/run.sh $(SUITES)

lint: ## formatting, clippy, scripts, licences
	cargo fmt --all --check
	cargo fmt --manifest-path tests/vm/uvcsim/Cargo.toml --check
	cargo clippy --workspace --all-targets --all-features -- -D warnings
	cargo clippy --manifest-path tests/vm/uvcsim/Cargo.toml --locked --target-dir $(or $(CARGO_TARGET_DIR),target)/uvcsim -- -D warnings
	cc -fsyntax-only -Wall -Wextra -Werror tests/shim/v4l2shim.c
	for script in .ci/run scripts/*.sh tests/*.sh tests/vm/*.sh tests/windows/*.sh; do bash -n "$$script" || exit; done
	@if cargo deny --version >/dev/null 2>&1; then \
	  echo cargo deny check; cargo deny --log-level warn check bans licenses sources; \
	else echo 'cargo-deny is not installed: licences and sources of dependencies not looked at'; fi

bench: ## figures of fan-out to readers, and of the window beside ffplay
	@scripts/deps.sh test
	cargo bench --package tests

fuzz: ## fuzz the decoder and the service, FUZZ_SECONDS each target; keeps the corpus
	@cargo fuzz --version >/dev/null 2>&1 || { echo 'Please run: cargo install cargo-fuzz --locked'; exit 1; }
	tests/fuzz/run.sh $(FUZZ_SECONDS)

soak: deps ## three sequences of 500 faults on every camera, and readers that come and go: 2 h (SOAK_SECONDS)
	@tests/soak.sh

units := camera-service/packaging
bin := $(DESTDIR)$(PREFIX)/bin
share := $(DESTDIR)$(PREFIX)/share

completions: build
	install -d $(built)/completions
	$(binary) completions bash >$(built)/completions/camera-service
	$(binary) completions zsh >$(built)/completions/_camera-service
	$(binary) completions fish >$(built)/completions/camera-service.fish

install: completions ## install the binaries, a menu entry, units and completions below PREFIX (~/.local)
	install -D -m 755 $(binary) $(bin)/camera-service
	install -D -m 755 $(built)/control-gui $(bin)/control-gui
	strip --strip-debug $(bin)/camera-service $(bin)/control-gui
	install -D -m 644 control-gui/assets/control-gui.desktop $(share)/applications/control-gui.desktop
	install -D -m 644 control-gui/assets/control-gui.svg $(share)/icons/hicolor/scalable/apps/control-gui.svg
	install -d $(share)/systemd/user
	sed 's|/usr/bin/|$(PREFIX)/bin/|' $(units)/camera-service.service >$(share)/systemd/user/camera-service.service
	install -m 644 $(units)/camera-service.socket $(share)/systemd/user/camera-service.socket
	install -D -m 644 $(built)/completions/camera-service $(share)/bash-completion/completions/camera-service
	install -D -m 644 $(built)/completions/_camera-service $(share)/zsh/site-functions/_camera-service
	install -D -m 644 $(built)/completions/camera-service.fish $(share)/fish/vendor_completions.d/camera-service.fish
	@echo 'To have it start at login: $(PREFIX)/bin/camera-service install'

uninstall: ## remove them
	rm -f $(bin)/camera-service $(bin)/control-gui $(share)/applications/control-gui.desktop \
	  $(share)/icons/hicolor/scalable/apps/control-gui.svg $(share)/bash-completion/completions/camera-service \
	  $(share)/zsh/site-functions/_camera-service $(share)/fish/vendor_completions.d/camera-service.fish \
	  $(share)/systemd/user/camera-service.service $(share)/systemd/user/camera-service.socket

deb: completions ## build a Debian package with all of that (installs cargo-deb if it is missing)
	@cargo deb --version >/dev/null 2>&1 || cargo install cargo-deb --locked
	cargo deb --package camera-service --no-build --strip

clean: ## remove what was built
	cargo clean
