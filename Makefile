# On a Debian or Ubuntu with a Swift toolchain two commands do everything, and install what is missing:
#   make demo    the main job on a real picture
#   make test    every test

SWIFT ?= swift
BUILD := .build/release/nonlocal
PACKAGES := ocl-icd-opencl-dev opencl-headers libpng-dev pkg-config

.PHONY: all demo test check-kernels ptx docs examples fuzz check check-quick soak mutants flips bench bench-peers bench-denoise pictures format lint static install uninstall packages clean

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
	Scripts/oclgrind-barriers

# Every kernel under Oclgrind: bounds, data races.
check-kernels: packages
	@Scripts/install-packages oclgrind
	$(SWIFT) build --traits Pictures --product nonlocal
	Scripts/oclgrind .build/debug/nonlocal

# The documentation of both libraries, without a warning, into .build/documentation.
docs: packages
	@mkdir -p .build/documentation
	NONLOCAL_DOCUMENTATION=1 $(SWIFT) package --allow-writing-to-directory .build/documentation \
	    generate-documentation --target NonLocal --target SwiftOpenCL --enable-experimental-combined-documentation \
	    --warnings-as-errors --output-path .build/documentation

# Every example, built and run.
EXAMPLES := RunBlock OwnPairwise AttentionMap AutoencoderAttention DeviceBatches ServerHandler
examples: packages
	$(SWIFT) build --package-path Examples
	@for example in $(EXAMPLES); do \
	    echo "== $$example"; Examples/.build/debug/$$example || exit 1; \
	done

# The kernels for NVIDIA's tensor cores through NVIDIA's assembler, without an NVIDIA device: registers, spills, local
# memory. Fetches the compilers, about 1 GB.
ptx: packages
	$(SWIFT) build --traits Pictures --product nonlocal
	Scripts/ptx-gate .build/debug/nonlocal

# The readers of files fed with what coverage leads to, ten million inputs each: about an hour on two idle cores.
fuzz: packages
	Scripts/fuzz --plant
	Scripts/fuzz --runs 10000000

# What every change should not have broken and takes longer than a test: calls that fail, margins around buffers,
# sanitizers, a little fuzzing, some mutants. About half an hour on two cores; CI runs check-quick.
CHECKED_MUTANTS ?= 12
check: check-quick
	Scripts/sanitize address
	Scripts/sanitize thread
	Scripts/fuzz --runs 200000
	Scripts/mutants --sample $(CHECKED_MUTANTS)

check-quick: packages
	$(SWIFT) build --build-tests --traits Pictures
	Scripts/faults
	Scripts/guards

# 64 tasks on one device for ten minutes, 10,000 calls, every call of every scenario failing with every status.
soak: packages
	$(SWIFT) build --build-tests --traits Pictures
	NONLOCAL_SOAK_SECONDS=600 NONLOCAL_SOAK_CALLS=10000 Scripts/faults LoadTests
	Scripts/faults --all FaultTests

# 250 changes of kernels, about an hour and a half.
mutants: packages
	@Scripts/install-packages oclgrind
	$(SWIFT) build --build-tests --traits Pictures
	Scripts/mutants --sample 250

# A thousand numbers made wrong between the kernels.
flips: packages
	$(SWIFT) build --build-tests --traits Pictures
	Scripts/flips

bench: packages
	$(SWIFT) package --package-path Benchmarks benchmark

# Beside PyTorch, about a quarter of an hour on an idle machine; writes Benchmarks/RESULTS.md.
bench-peers: all
	Benchmarks/peers/run

# The pictures that README.md shows.
pictures: all
	Scripts/pictures $(BUILD)

# Beside scikit-image, half a minute; writes what the tests have to reach.
bench-denoise: all
	Benchmarks/denoise/run

# Everything about a GPU, beside PyTorch where python3 has one: devices, verify, tune, bench, a table.
bench-gpu: all
	Benchmarks/gpu.sh

# One binary that runs where there is no Swift; it needs an OpenCL loader and a driver.
static: packages
	$(SWIFT) build -c release --static-swift-stdlib --product nonlocal

# The command with pictures into $(PREFIX)/bin, to run without Swift; DESTDIR is put in front, for packages.
PREFIX ?= /usr/local
install: packages
	$(SWIFT) build -c release --static-swift-stdlib --traits Pictures --product nonlocal
	install -D -s -m 755 $(BUILD) "$(DESTDIR)$(PREFIX)/bin/nonlocal"

uninstall:
	rm -f "$(DESTDIR)$(PREFIX)/bin/nonlocal"

format:
	$(SWIFT) format --in-place --recursive Package.swift Kernels Sources Tests Benchmarks Examples Fuzzing/Package.swift Fuzzing/Sources

lint:
	$(SWIFT) format lint --strict --recursive Package.swift Kernels Sources Tests Benchmarks/Package.swift Benchmarks/Benchmarks Examples/Package.swift Examples/Sources Fuzzing/Package.swift Fuzzing/Sources

clean:
	rm -rf .build Benchmarks/.build Examples/.build Fuzzing/.build demo-output
