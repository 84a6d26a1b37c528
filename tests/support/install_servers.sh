#!/bin/sh
# The servers that tests talk to, installed where that is possible: Debian or its kin, and root.
# Elsewhere the tests that need them are skipped, each with its reason.
set -eu

command -v dovecot >/dev/null 2>&1 && exit 0
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null 2>&1; then
    echo "Dovecot is not installed: tests with a real mailbox will be skipped (package dovecot-imapd)."
    exit 0
fi
echo "Installing Dovecot for the tests ..."
export DEBIAN_FRONTEND=noninteractive
apt-get -qq update
apt-get -qq -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 install -y --no-install-recommends \
    dovecot-imapd dovecot-pop3d >/dev/null
