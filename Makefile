# What a person needs: `make run` and `make test`. The rest are their parts.

SWIFT ?= swift
ADDRESS ?= 127.0.0.1
PORT ?= 8080

.PHONY: run build test lint data fonts fixtures rlhf-smoke verify-deploy system-packages model

run: build
	.build/release/apus serve --host $(ADDRESS) --port $(PORT)

build: system-packages model
	$(SWIFT) build -c release

# The same optimised build serves and is tested: no test needs what only a debug build exports. One test at a time: the
# kernels use all cores, and who waits for a socket must not wait for every other test.
test: build data lint
	$(SWIFT) test -c release --disable-testable-imports --no-parallel
	$(MAKE) verify-deploy

lint:
	scripts/lint.sh

system-packages:
	@scripts/system-packages.sh

# The whole training recipe on a tiny model, in two minutes: demonstrations, rankings, reward model, PPO. `test` has it too.
rlhf-smoke: system-packages
	$(SWIFT) test -c release --disable-testable-imports --filter RLHFSmokeTests

# The base model, and the packages that training data comes from, into the cache folder. No network once they are there.
model:
	@scripts/fetch.sh model

data:
	@scripts/fetch.sh data

# The fonts and the word list that training draws text with; from Debian's packages.
fonts:
	@scripts/fetch.sh fonts

# Golden values from the reference implementations; needs Python.
fixtures:
	Tests/Fixtures/make.sh

verify-deploy:
	Deploy/verify.sh
