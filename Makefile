# `make` alone says what there is. Everything needs cargo and a C compiler, cargo fetches the rest; the tests also want
# OpenSSL's headers (libssl-dev, pkg-config), and the Mesos module cmake and a C++ compiler.

DEMO_SECONDS ?= 15
PREFIX ?= /usr/local
FUZZ_SECONDS ?= 60
MINUTES ?= 30
CHURN ?= 40
LINES ?= 100000
FUZZ_TARGETS ?= $(basename $(notdir $(wildcard fuzz/fuzz_targets/*.rs)))

# Where rustup puts cargo, for shells that were opened before it was installed.
export PATH := $(PATH):$(HOME)/.cargo/bin
export CARGO_TARGET_DIR ?= $(CURDIR)/target
export DEMO_SECONDS

MODULE := $(CARGO_TARGET_DIR)/release/libstats-slave.so
# The default of state_path_dir.
STATE_DIR := /var/run/mesos/isolators/com_mesosphere_MetricsIsolatorModule

.DEFAULT_GOAL := help
.PHONY: help build demo local-stack module install demo-mesos test interleavings sanitize bench instructions faults soak fuzz lint deny doc cargo packages cargo-fuzz

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-13s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

build: cargo ## compile all programs, optimised, to target/release
	cargo build --release --workspace

demo: cargo ## run the whole path on this machine for DEMO_SECONDS (15) and draw the balance
	cargo build --release --bins -p dcos-stats -p dcos-stats-collector -p dcos-stats-examples
	@$(CARGO_TARGET_DIR)/release/demo

local-stack: cargo ## run Kafka and the whole road to it and out again, until Ctrl-C; LOCAL_STACK='--influx --graphite' adds databases
	@examples/local-stack/run.sh $(LOCAL_STACK)

module: cargo ## compile the library that a Mesos agent loads, target/release/libstats-slave.so, if there is a Mesos
	@cpp/build.sh "$(MODULE)" --release

# Does not build what is built, so that root needs no cargo.
install: ## install the library, its example and its state directory to PREFIX (/usr/local), all below DESTDIR
	@test -f "$(MODULE)" || $(MAKE) --no-print-directory module
	@test -f "$(MODULE)" || { echo 'Without the library there is nothing to install.' >&2; exit 1; }
	install -D -m 755 "$(MODULE)" "$(DESTDIR)$(PREFIX)/lib/libstats-slave.so"
	install -d -m 755 "$(DESTDIR)$(PREFIX)/share/dcos-stats" "$(DESTDIR)$(STATE_DIR)"
	sed 's|/usr/local/lib/|$(PREFIX)/lib/|' mesos-agent-modules.json.example \
		>"$(DESTDIR)$(PREFIX)/share/dcos-stats/mesos-agent-modules.json.example"

demo-mesos: module ## run a Mesos master and agent with the library for DEMO_SECONDS (15), and see what the collector receives
	@test -f "$(MODULE)" || { echo 'Without Mesos there is only make demo; ./get-mesos.sh --help says how to get Mesos.' >&2; exit 1; }
	cargo build --release --bins -p dcos-stats-collector -p dcos-stats-examples
	@examples/demo-mesos.sh "$(MODULE)" "$(CARGO_TARGET_DIR)/release"

test: cargo packages ## run all tests; what needs a Mesos, a Kafka or a database that is not there says so and is skipped
	cargo test --workspace --no-fail-fast
	tests/module/run.sh
	tests/get-mesos/run.sh

# make faults SCENARIOS='collector-killed flood' for some of them; target/release/faults --list says what there is.
faults: cargo packages ## run the whole path while parts of it fail, one after the other, and add up (a quarter of an hour)
	cargo build --release --bins -p dcos-stats-proof -p dcos-stats-collector -p dcos-stats-consumer
	@$(CARGO_TARGET_DIR)/release/faults $(SCENARIOS)

# CHURN (40) containers are replaced in a second, and send LINES (100000) in it.
soak: cargo packages ## run module and collector with all outputs for MINUTES (30), and fail if they grow
	cargo build --release --bins -p dcos-stats-proof -p dcos-stats-collector
	@$(CARGO_TARGET_DIR)/release/soak --minutes $(MINUTES) --churn $(CHURN) --lines $(LINES) --folder $(CARGO_TARGET_DIR)/soak

interleavings: cargo ## try thousands of orders in which the core's threads may take their steps (shuttle)
	RUSTFLAGS='--cfg shuttle' CARGO_TARGET_DIR=$(CARGO_TARGET_DIR)/shuttle \
		cargo test -p dcos-stats --no-default-features --test hand_off

sanitize: cargo packages ## drive the Mesos module, all of it instrumented: addresses, undefined behaviour, leaks, threads
	tests/module/sanitize.sh

bench: cargo ## run all benchmarks, with ratios to bare programs
	cargo bench --workspace --bench '*'
	@tests/module/bench.sh

# UPDATE=1 writes the expected counts anew.
instructions: cargo ## count the instructions of hot functions under valgrind, and fail if they grew by more than 5 %
	cargo bench -p dcos-stats --bench instructions
	cargo bench -p dcos-stats-collector --bench instructions

fuzz: cargo-fuzz ## fuzz each target for FUZZ_SECONDS (60); FUZZ_TARGETS names some instead of all
	$(FUZZ) build
	@for target in $(FUZZ_TARGETS); do \
		found="$(CARGO_TARGET_DIR)/fuzz-corpus/$$target"; \
		log="$(CARGO_TARGET_DIR)/fuzz-$$target.log"; \
		mkdir -p "$$found" "fuzz/corpus/$$target"; \
		echo "fuzzing $$target for $(FUZZ_SECONDS) s, log in $$log"; \
		$(FUZZ) run $$target "$$found" "fuzz/corpus/$$target" \
			-- -max_total_time=$(FUZZ_SECONDS) -print_final_stats=1 >"$$log" 2>&1 \
			|| { cat "$$log"; exit 1; }; \
		grep number_of_executed_units "$$log"; \
	done

lint: cargo packages ## check format, lints and documentation, warnings being errors
	cargo fmt --all --check
	cargo fmt --manifest-path fuzz/Cargo.toml --check
	cargo clippy --workspace --all-targets -- -D warnings
	cargo clippy -p dcos-stats --lib --no-default-features -- -D warnings
	cargo clippy -p dcos-stats-schema --all-targets --no-default-features -- -D warnings
	cargo clippy --manifest-path fuzz/Cargo.toml -- -D warnings
	RUSTDOCFLAGS='-D warnings' cargo doc --workspace --no-deps --document-private-items
	@if clang-format --version 2>/dev/null | grep -q 'version 14\.'; then \
		clang-format --dry-run --Werror cpp/*.cpp include/stats/*.hpp tests/module/*.cpp tests/module/*.hpp; \
	else echo 'C++ was not checked: other versions of clang-format than 14 have other ideas.'; fi

deny: cargo ## check licences, versions and origins of all dependencies, if cargo-deny is installed
	@if cargo deny --version >/dev/null 2>&1; then \
		for manifest in Cargo.toml fuzz/Cargo.toml; do \
			cargo deny --manifest-path $$manifest --config "$(CURDIR)/deny.toml" check licenses bans sources || exit 1; \
		done; \
	else \
		echo 'skipped: cargo-deny is not installed; cargo install --locked cargo-deny'; \
	fi

doc: cargo ## write the API documentation to target/doc
	cargo doc --workspace --no-deps

# The sanitizer is an unstable feature of rustc; RUSTC_BOOTSTRAP allows it with the stable one.
FUZZ := RUSTC_BOOTSTRAP=1 cargo fuzz

cargo-fuzz: cargo
	@cargo fuzz --version >/dev/null 2>&1 || cargo install --locked cargo-fuzz

cargo:
	@command -v cargo >/dev/null && command -v cc >/dev/null || { \
		echo 'Install Rust with rustup, and a C and C++ compiler (on Debian: apt-get install build-essential), then try again.' >&2; \
		exit 1; }

# What tests and lints need besides; root gets it, others are told.
TEST_PACKAGES := libssl-dev pkg-config cmake curl python3

packages:
	@complete() { \
		for tool in pkg-config cmake curl python3; do command -v $$tool >/dev/null || return 1; done; \
		pkg-config --exists openssl; \
	}; \
	complete || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null \
		&& echo 'installing $(TEST_PACKAGES)' && apt-get -qq update && apt-get -qq install -y $(TEST_PACKAGES) >/dev/null && complete; } || { \
		echo 'Install OpenSSL with its headers, pkg-config, cmake, curl and python3 (on Debian: apt-get install $(TEST_PACKAGES)), then try again.' >&2; \
		exit 1; }
