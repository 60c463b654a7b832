#!/usr/bin/env bash
# Installs the senders that test/receivers runs and that npm has not: Debian's packages, as root. Does
# nothing where all of them are there.
set -euo pipefail

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
if ((${#packages[@]} == 0)); then
  exit 0
fi
if ! command -v apt-get >/dev/null; then
  echo "install.sh: no apt-get here; install ${packages[*]} as your system does it" >&2
  exit 1
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null
