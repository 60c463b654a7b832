#!/usr/bin/env bash
# Installs the senders that test/receivers runs and that npm has not. Does nothing where all are there.
# `install.sh logcli` builds logcli as well, which takes ten minutes of a CPU because all of Loki is in it;
# its tests are left out without.
set -euo pipefail
cd "$(dirname "$0")"

# Debian's packages, as root.
declare -A package_of=(
  [rsyslogd]=rsyslog
  [logger]=bsdutils
  [openssl]=openssl
  [prometheus]=prometheus
)
packages=()
for program in "${!package_of[@]}"; do
  command -v "$program" >/dev/null || packages+=("${package_of[$program]}")
done
# rsyslog's TLS is a package of its own, without a program to look for.
compgen -G '/usr/lib/*/rsyslog/lmnsd_ossl.so' >/dev/null || packages+=(rsyslog-openssl)
if ((${#packages[@]} > 0)); then
  if ! command -v apt-get >/dev/null; then
    echo "install.sh: no apt-get here; install ${packages[*]} as your system does it" >&2
    exit 1
  fi
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null
fi

# Programs in Go, built from the modules that programs/ names and kept where compiled dependencies are,
# under a name that changes with what they are built from. Tests run them as programs/bin/NAME.
cache=${BUILD_CACHE_DIR:-${HOME:-/nonexistent}/.cache/varve}/programs
if ! { mkdir -p "$cache" 2>/dev/null && [ -w "$cache" ]; }; then
  cache=$PWD/../../native/target/programs
  mkdir -p "$cache"
fi
mkdir -p programs/bin
cd programs

# `built NAME FILE…`: the path of a program that is built from these files.
built() {
  echo "$cache/$1-$(cat "${@:2}" | sha256sum | cut -c1-16)"
}
collector=$(built collector collector.yaml go.mod)
telemetrygen=$(built telemetrygen go.mod)
logcli=$(built logcli logcli/go.mod)
ln -sfn "$collector" bin/collector
ln -sfn "$telemetrygen" bin/telemetrygen
ln -sfn "$logcli" bin/logcli
needs_logcli() {
  [ "${1-}" = logcli ] && [ ! -x "$logcli" ]
}
if [ -x "$collector" ] && [ -x "$telemetrygen" ] && ! needs_logcli "$@"; then
  exit 0
fi
if ! command -v go >/dev/null; then
  echo 'install.sh: no go here; install Go 1.26 or later' >&2
  exit 1
fi
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
# `keep BUILT PATH`: renamed when whole, so that a build that was broken off is no program.
keep() {
  cp "$1" "$2.partial"
  mv "$2.partial" "$2"
}
if [ ! -x "$telemetrygen" ]; then
  go build -o "$scratch/telemetrygen" github.com/open-telemetry/opentelemetry-collector-contrib/cmd/telemetrygen
  keep "$scratch/telemetrygen" "$telemetrygen"
fi
if [ ! -x "$collector" ]; then
  go build -o "$scratch/builder" go.opentelemetry.io/collector/cmd/builder
  cp collector.yaml "$scratch"
  (cd "$scratch" && ./builder --config collector.yaml >builder.log 2>&1) || {
    cat "$scratch/builder.log" >&2
    exit 1
  }
  keep "$scratch/collector/collector" "$collector"
fi
if needs_logcli "$@"; then
  (cd logcli && go build -o "$scratch/logcli" github.com/grafana/loki/v3/cmd/logcli)
  keep "$scratch/logcli" "$logcli"
fi
