# Two targets do everything on a fresh Debian 12 with Go:
#   make demo   a live class on this machine, and the address to watch it
#   make test   every test there is
# Both install what is missing with apt-get (and sudo, unless run by root).

GOLANGCI_VERSION := v2.7.2
GOLANGCI := bin/golangci-lint-$(GOLANGCI_VERSION)

.PHONY: build demo test test-cdn lint generate unit browser e2e fuzz bench tools-demo tools-test

build: bin/lectern

bin/lectern: FORCE
	go build -trimpath -o $@ ./cmd/lectern
.PHONY: FORCE
FORCE:

demo: tools-demo build
	@exec bin/lectern demo

# What the program is linked with: FFmpeg 5.1's libraries, as Debian 12 has them.
FFMPEG_LIBRARIES := avcodec avdevice avfilter avformat avutil swresample swscale

# The tests with real programs mostly wait. What only computes fills the gaps, at a
# lower priority.
test: tools-test build
	$(MAKE) -j2 --output-sync=target test-waiting test-computing
.PHONY: test-waiting test-computing
test-waiting:
	$(MAKE) browser
	$(MAKE) e2e
test-computing:
	nice -n 19 $(MAKE) lint
	nice -n 19 $(MAKE) unit


tools-demo:
	@.ci/install gcc:gcc /usr/include/stdlib.h:libc6-dev pkg-config:pkg-config \
		$(foreach l,$(FFMPEG_LIBRARIES),'/usr/lib/*/pkgconfig/lib$(l).pc:lib$(l)-dev') \
		ffmpeg:ffmpeg espeak-ng:espeak-ng /usr/share/fonts/truetype/dejavu/DejaVuSerif.ttf:fonts-dejavu-core

# Chromium, the caches of configs/cdn, and players and parsers that are not ours.
tools-test: tools-demo
	@.ci/install chromium-headless-shell:chromium-headless-shell node:nodejs npm:npm \
		/usr/sbin/nginx:nginx /usr/lib/nginx/modules/ngx_http_js_module.so:libnginx-mod-http-js \
		/usr/sbin/varnishd:varnish '/usr/lib/*/varnish/vmods/libvmod_digest.so:varnish-vmod-digest' \
		/usr/bin/traffic_server:trafficserver \
		gst-launch-1.0:gstreamer1.0-tools \
		'/usr/lib/*/gstreamer-1.0/libgstadaptivedemux2.so:gstreamer1.0-plugins-good' \
		'/usr/lib/*/gstreamer-1.0/libgsthls.so:gstreamer1.0-plugins-bad' \
		'/usr/lib/*/gstreamer-1.0/libgstlibav.so:gstreamer1.0-libav'
	cd realtime/web/e2e && npm ci --no-audit --no-fund

$(GOLANGCI):
	GOBIN=$(CURDIR)/bin go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)
	mv bin/golangci-lint $@

lint: $(GOLANGCI)
	$(GOLANGCI) run ./...

generate:
	go generate ./configs

# Everything that needs no browser, with the race detector.
unit:
	go test -race -timeout 10m ./...

# The watch page against a stand-in server, in Chromium.
browser:
	cd realtime/web/e2e && npm test

# The built program with the real ffmpeg, in Chromium and other players, behind real
# caches, and killed again and again. Most of the time it waits, so some tests run
# beside each other.
e2e: build
	go test -tags e2e -count 1 -timeout 15m -parallel 2 -v ./cmd/lectern

# The part of e2e with the caches of configs/cdn, each with 200 viewers.
test-cdn: tools-test build
	go test -tags e2e -count 1 -timeout 10m -run '^TestCDN' -v ./cmd/lectern

# Every fuzz target for FUZZTIME each; the seeds alone run in unit.
FUZZTIME ?= 60s
fuzz:
	.ci/fuzz $(FUZZTIME)

bench:
	go test -run '^$$' -bench . -benchmem ./...
