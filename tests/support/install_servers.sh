#!/bin/sh
# The servers that tests talk to, and the mails that Python is tested with, installed where that is
# possible: Debian or its kin, and root. Elsewhere the tests that need them are skipped, each with its reason.
set -eu

missing=""
command -v dovecot >/dev/null 2>&1 || missing="dovecot-imapd dovecot-pop3d"
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing="$missing postgresql"
# Debian packs the tests of its Python apart; other builds of Python have them
.venv/bin/python -c "import sys; sys.base_prefix == '/usr' and __import__('test.test_email')" 2>/dev/null ||
    missing="$missing libpython$(.venv/bin/python -c 'import sys; print("%d.%d" % sys.version_info[:2])')-testsuite"
[ -z "$missing" ] && exit 0
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null 2>&1; then
    echo "Not installed: $missing. Tests that need them will be skipped (they are Debian packages)."
    exit 0
fi
echo "Installing for the tests: $missing ..."
export DEBIAN_FRONTEND=noninteractive
apt-get -qq update
# shellcheck disable=SC2086  # one word for each package
apt-get -qq -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 install -y --no-install-recommends \
    $missing >/dev/null
