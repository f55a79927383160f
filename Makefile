# On a Debian or Ubuntu with a Swift toolchain two commands do everything, and install what is missing:
#   make demo    the main job on a real picture
#   make test    every test

SWIFT ?= swift
BUILD := .build/release/nonlocal
PACKAGES := ocl-icd-opencl-dev opencl-headers libpng-dev pkg-config

.PHONY: all demo test check-kernels bench bench-peers format lint static packages clean

all: packages
	$(SWIFT) build -c release --traits Pictures --product nonlocal

packages:
	@Scripts/install-packages $(PACKAGES)
	@Scripts/install-device

demo: all
	@Scripts/demo $(BUILD)

test: packages
	$(SWIFT) build --build-tests --traits Pictures
	$(SWIFT) test --skip-build --traits Pictures
	@$(MAKE) --no-print-directory check-kernels

# Every kernel under Oclgrind: bounds, data races, uninitialised reads.
check-kernels: packages
	@Scripts/install-packages oclgrind
	$(SWIFT) build --traits Pictures --product nonlocal
	Scripts/oclgrind .build/debug/nonlocal

bench: packages
	$(SWIFT) package --package-path Benchmarks benchmark

# Beside PyTorch, about a quarter of an hour on an idle machine; writes Benchmarks/RESULTS.md.
bench-peers: all
	Benchmarks/peers/run

# One binary that runs where there is no Swift; it needs an OpenCL loader and a driver.
static: packages
	$(SWIFT) build -c release --static-swift-stdlib --product nonlocal

format:
	$(SWIFT) format --in-place --recursive Package.swift Kernels Sources Tests Benchmarks

lint:
	$(SWIFT) format lint --strict --recursive Package.swift Kernels Sources Tests Benchmarks/Package.swift Benchmarks/Benchmarks

clean:
	rm -rf .build Benchmarks/.build demo-output
