# `make run` and `make test` are complete on a fresh Debian 12 with the Swift toolchain: what they need of Debian's
# packages they install, as root or through sudo.

SWIFT ?= swift
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
RELEASE := $(SWIFT) build -c release

.PHONY: run check test soak fuzz bench build lint docs clean static install deb man run-packages test-packages bench-packages deb-packages

# Where `make install` puts things, below DESTDIR if that is given.
PREFIX ?= /usr/local
SHARE = $(DESTDIR)$(PREFIX)/share
UNITS = $(DESTDIR)$(PREFIX)/lib/systemd
ZSH = zsh/$(if $(filter /usr,$(PREFIX)),vendor-completions,site-functions)

# Builds release and serves one site, demo, on loopback. Needs no root to run.
run: run-packages
	$(RELEASE) --product footfall
	@echo
	@echo "Send a beacon:    printf 'f1 s=demo&v=%s&u=/' \"\$$UID\" >/dev/udp/127.0.0.1/7373    (in bash)"
	@echo "Read the numbers: curl -s http://127.0.0.1:7374/api/v1/sites/demo"
	@echo "Or both:          .build/release/footfall hit demo / --wait"
	@echo
	@exec .build/release/footfall serve

# While you write: builds what changed, and runs every test that needs no other program.
check: run-packages lint
	$(RELEASE) --build-tests
	Tests/run.sh check

# Builds everything and runs every test against a release build that can be made to crash at named points. Makes the package
# as well.
test: export FOOTFALL_CRASH_POINTS = 1
test: test-packages deb-packages
	$(RELEASE) --build-tests
	Tests/run.sh all

# The long form of the tests that kill, damage and cut power: an hour or so, as root.
soak: export FOOTFALL_CRASH_POINTS = 1
soak: export FOOTFALL_SOAK = 1
soak: test-packages
	$(RELEASE) --build-tests
	$(call tests,--filter 'Kill|Damage|Power|Replay|Fault|Backup')

# Throws random bytes at each reader of strange bytes until it has run RUNS times; what it finds lies in .build-fuzz. Needs
# clang's libFuzzer, which comes with Swift.
FUZZED := datagram stranger browser forwarded line frame snapshot
RUNS ?= 10000000
fuzz: run-packages
	FOOTFALL_FUZZ=1 $(RELEASE) --product footfall-fuzz --scratch-path .build-fuzz -Xswiftc -sanitize=fuzzer \
		-Xcc -fsanitize=fuzzer-no-link -Xswiftc -use-ld=lld
	python3 Tests/Fuzz/seeds.py .build-fuzz/seeds
	cd .build-fuzz && for name in $(FUZZED); do \
		mkdir -p corpus/$$name seeds/$$name && echo "== $$name" && FOOTFALL_FUZZ=$$name SWIFT_BACKTRACE=enable=no release/footfall-fuzz \
			-runs=$(RUNS) -max_len=2048 -timeout=60 -rss_limit_mb=2048 -print_final_stats=1 -artifact_prefix=$$name- \
			corpus/$$name seeds/$$name 2>$$name.log || { tail -30 $$name.log; exit 1; }; \
		grep -E 'number_of_executed_units|slowest_unit|average_exec' $$name.log; done

# Every figure that is promised, measured on this machine.
bench: export FOOTFALL_FIGURES = 1
bench: export FOOTFALL_PACKAGE = $(abspath $(PACKAGE)/footfall.deb)
bench: bench-packages
	$(RELEASE) --product footfall
	$(RELEASE) --product footfall-load
	python3 Tests/Bench/bench.py
	$(MAKE) deb
	$(RELEASE) --build-tests
	$(call tests,--filter 'UnderSystemd|DashboardPageTests')

build: run-packages
	$(RELEASE)

# The program as it is installed: it brings Swift's library with it, and cannot be made to crash.
PACKAGE := .build/package
static: run-packages
	env -u FOOTFALL_CRASH_POINTS $(RELEASE) --product footfall
	install -Dsm 755 .build/release/footfall $(PACKAGE)/footfall

# The program, its units, manual pages and completions; and in /etc settings to begin with, where there are none.
install:
	@[ -x $(PACKAGE)/footfall ] || { echo "run make static first"; exit 1; }
	install -Dm 755 $(PACKAGE)/footfall $(DESTDIR)$(PREFIX)/bin/footfall
	install -d $(UNITS)/system $(UNITS)/catalog $(DESTDIR)/etc/footfall/sites.d
	install -m 644 systemd/*.socket systemd/*.timer $(UNITS)/system
	for f in systemd/*.service; do sed 's|/usr/bin/footfall|$(PREFIX)/bin/footfall|' $$f >$(UNITS)/system/$${f##*/}; done
	install -m 644 systemd/footfall.catalog $(UNITS)/catalog
	[ -e $(DESTDIR)/etc/footfall/footfall.toml ] || install -m 644 systemd/footfall.toml $(DESTDIR)/etc/footfall
	install -d $(SHARE)/footfall/dashboards $(SHARE)/doc/footfall/examples
	install -m 644 dashboards/* $(SHARE)/footfall/dashboards
	for f in systemd/examples/*; do sed "s|/usr/lib/footfall|$(PREFIX)/lib/footfall|" $$f >$(SHARE)/doc/footfall/examples/$${f##*/}; done
	install -m 644 Sources/Storage/FORMAT.md $(SHARE)/doc/footfall
	install -d $(SHARE)/doc/footfall/pages
	install -m 644 Sources/footfall/Documentation.docc/*.md $(SHARE)/doc/footfall/pages
	install -m 644 Tests/Example/*.png $(SHARE)/doc/footfall/pages
# Links lead to what is installed; those that cannot become plain words.
	sed -E 's#(Sources/footfall/Documentation\.docc|Tests/Example)/#pages/#g; s#\(dashboards/#(../../footfall/dashboards/#; s#\[([^]]*)\]\((Sources|\.github|LICENSE)[^)]*\)#\1#g' README.md >$(SHARE)/doc/footfall/README.md
	for page in systemd/man/*; do install -Dm 644 $$page $(SHARE)/man/man$${page##*.}/$${page##*/}; done
	install -d $(SHARE)/bash-completion/completions $(SHARE)/$(ZSH) $(SHARE)/fish/vendor_completions.d
	cd $(SHARE) && f=$(abspath $(PACKAGE))/footfall && $$f --generate-completion-script bash | sed 1d >bash-completion/completions/footfall \
		&& $$f --generate-completion-script zsh >$(ZSH)/_footfall \
		&& $$f --generate-completion-script fish >fish/vendor_completions.d/footfall.fish
# The empty places of the drop-in that gives the service a root directory of its own.
	cd $(DESTDIR)$(PREFIX)/lib && mkdir -p $(addprefix footfall/root/,usr etc/footfall proc sys dev run tmp var/tmp var/lib) \
		&& for d in bin sbin lib lib64; do ln -sfn usr/$$d footfall/root/$$d; done

# A package for Debian: .build/package/footfall_VERSION_ARCH.deb
deb: deb-packages static
	rm -rf $(PACKAGE)/deb
	$(MAKE) install DESTDIR=$(abspath $(PACKAGE))/deb PREFIX=/usr
	PACKAGE=$(PACKAGE) systemd/debian/build

# The manual page of the commands, out of their own help; footfall.toml(5) is written by hand.
man:
	$(SWIFT) package --allow-writing-to-package-directory generate-manual --section 1 --output-directory systemd/man
	sed -i '/^\.Dd/s/.*/.Dd November 23, 2026/' systemd/man/footfall.1
	rm systemd/man/footfall-load.1

lint:
	$(SWIFT) format lint --strict -r Sources Tests Package.swift

# The documentation as a DocC archive in .build-docs. In the sources its links are those of plain Markdown.
DOCC = $(or $(shell command -v docc),$(dir $(shell readlink -f "$$(command -v $(SWIFT))"))docc)
docs:
	rm -rf .build-docs && mkdir .build-docs && cp -r Sources/footfall/Documentation.docc .build-docs
	sed -i -E 's/\]\(([A-Z][A-Za-z]*)\.md\)/](doc:\1)/g' .build-docs/Documentation.docc/*.md
	cd .build-docs && $(DOCC) convert Documentation.docc --warnings-as-errors --output-path Footfall.doccarchive >/dev/null

clean:
	rm -rf .build .build-docs

# $(call need,package …): installs the packages that are not there.
define need
	@missing=""; for p in $(1); do dpkg-query -W -f '$${Status}' $$p 2>/dev/null | grep -q ' installed' || missing="$$missing $$p"; done; \
	if [ -n "$$missing" ]; then \
		echo "Installing$$missing"; \
		$(SUDO) apt-get update -qq && $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $$missing >/dev/null; \
	fi
endef

# Where a command is there already, from wherever it came, its package is not asked for.
absent = $(if $(shell command -v $(1) 2>/dev/null),,$(2))

# $(call tests,which): runs tests that are built.
tests = $(SWIFT) test -c release --skip-build $(1)

run-packages:
	$(call need,libsystemd-dev libsqlite3-dev)

test-packages:
	$(call need,libsystemd-dev libsqlite3-dev $(call absent,php,php-cli) $(call absent,node,nodejs) $(call absent,python3,python3) $(call absent,curl,curl) $(call absent,strace,strace) $(call absent,valgrind,valgrind) $(call absent,mkfs.ext4,e2fsprogs) $(call absent,promtool,prometheus) $(call absent,nginx,nginx-light) $(call absent,chromium,chromium) $(call absent,chromedriver,chromium-driver) $(call absent,haproxy,haproxy) $(call absent,apache2,apache2) $(call absent,caddy,caddy) $(call absent,rsyslogd,rsyslog) $(call absent,ruby,ruby) $(call absent,perl,perl) $(call absent,go,golang-go) $(call absent,mcs,mono-mcs mono-runtime) $(call absent,javac,default-jdk-headless) $(call absent,dpkg-shlibdeps,dpkg-dev) $(call absent,lintian,lintian) $(call absent,systemd-nspawn,systemd-container dbus libnss-systemd))

# What holds /openapi.json against the daemon, of PyPI.
PYTHON := .build-python
test-packages: $(PYTHON)/done
$(PYTHON)/done:
	$(call need,$(if $(shell python3 -c 'import ensurepip' 2>/dev/null && echo there),,python3-venv))
	python3 -m venv $(PYTHON) && $(PYTHON)/bin/pip install -q --disable-pip-version-check 'schemathesis>=4' openapi-spec-validator && touch $@

deb-packages: run-packages
	$(call need,dpkg-dev)

bench-packages:
	$(call need,libsystemd-dev libsqlite3-dev $(call absent,python3,python3) $(call absent,valgrind,valgrind) $(call absent,wrk,wrk) $(call absent,nginx,nginx-light) $(call absent,redis-server,redis-server) $(call absent,collectd,collectd-core) $(call absent,goaccess,goaccess) $(call absent,perf,linux-perf) $(call absent,systemd-nspawn,systemd-container dbus libnss-systemd))
