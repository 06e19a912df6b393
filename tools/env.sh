#!/bin/bash
# Makes one environment exactly as its lock says, or does nothing when it already is.
#
# Rules kept here:
#   - every distribution is hashed, also the one that builds: nothing is fetched behind the lock;
#   - what the lock does not name is removed: a test must not pass by a left-over;
#   - what the machine lacks is named in one line with its remedy, and put there by ourselves
#     only where we are root on Debian; nothing is removed for it.
#
# usage: tools/env.sh DIRECTORY LOCK [project]
#   DIRECTORY  the environment, such as .venv
#   LOCK       a file of requirements/
#   project    also install Wallcross itself, editable
# environment: PYTHON (the interpreter to use), UV=0 (use venv and pip even where uv is there)
set -euo pipefail
cd "$(dirname "$0")/.."
export UV_PYTHON_DOWNLOADS=never UV_NO_PROGRESS=1 PIP_DISABLE_PIP_VERSION_CHECK=1
unset VIRTUAL_ENV PYTHONHOME PYTHONPATH

envdir=$1 lock=$2 project=${3:-}
build=requirements/build.txt
stamp=$envdir/.ready

say() { echo "env: $*" >&2; }

# new_enough PYTHON: it runs (a pyenv shim may only be a name) and is 3.11 or later.
new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' > /dev/null 2>&1
}

find_python() {
    local name
    for name in ${PYTHON:-python3 python3.13 python3.12 python3.11 /usr/bin/python3}; do
        if new_enough "$name"; then
            command -v "$name"
            return
        fi
    done
    return 1
}

# need_packages PACKAGE...: Debian packages that are missing; installed here or asked for.
need_packages() {
    local install="apt-get install -y --no-install-recommends $*"
    if [[ $(id -u) == 0 && -e /etc/debian_version ]]; then
        say "missing system packages: $*; installing them"
        { apt-get update -qq && DEBIAN_FRONTEND=noninteractive $install; } > /dev/null && return
    fi
    say "missing system packages: $*; install them with: sudo $install"
    exit 1
}

# want_packages: programs that the demo and the long tests use where they are; what lacks is skipped
# there with its reason. Put there by ourselves only where we are root on Debian, nothing else goes
# for it, and no service of theirs is started.
want_packages() {
    local pair missing=()
    for pair in gpg:gnupg postfix:postfix dovecot:dovecot-imapd sq:sq rnp:rnp \
        prosody:prosody chromium:chromium; do
        [[ -n $(PATH=$PATH:/usr/sbin:/sbin command -v "${pair%%:*}") ]] || missing+=("${pair#*:}")
    done
    ((${#missing[@]})) || return 0
    if [[ $(id -u) != 0 || ! -e /etc/debian_version ]]; then
        say "without these system packages some tests are skipped: sudo apt-get install ${missing[*]}"
        return 0
    fi
    say "missing system packages: ${missing[*]}; installing them"
    apt-get update -qq > /dev/null 2>&1 || true
    for pair in "${missing[@]}"; do
        add_package "$pair" || say "not installed: $pair (some tests are skipped)"
    done
}

# add_package PACKAGE: installs it, unless something else would be removed for it.
add_package() {
    local install="apt-get install -y --no-install-recommends $1" goes
    goes=$(LC_ALL=C $install --simulate 2> /dev/null | sed -n 's/^Remv \([^ ]*\).*/\1/p' | tr '\n' ' ')
    if [[ -n $goes ]]; then
        say "$1 would remove $goes"
        return 1
    fi
    RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive $install > /dev/null 2>&1
}

has_uv() { [[ ${UV:-1} != 0 ]] && uv --version > /dev/null 2>&1; }

if [[ -n ${PYTHON:-} ]] && ! new_enough "$PYTHON"; then
    say "Python 3.11 or later is needed; PYTHON=$PYTHON is $("$PYTHON" -V 2>&1 || true)"
    exit 1
fi
if ! python=$(find_python); then
    say "Python 3.11 or later is needed; found $(python3 -V 2>&1 || echo none)"
    need_packages python3 python3-venv
    python=$(find_python) || { say "this system's python3 is too old; name one with PYTHON=..."; exit 1; }
fi

wanted=$(cat "$build" "$lock" "$0" | sha256sum | cut -d' ' -f1)
if [[ $(head -n1 "$stamp" 2> /dev/null) != "$wanted" ]] || ! new_enough "$envdir/bin/python"; then
    say "making $envdir from $lock"
    rm -f "$stamp"
    if has_uv; then
        new_enough "$envdir/bin/python" || uv venv -q --clear --python "$python" "$envdir"
        # What builds comes first: one dependency has no wheel, and no build may fetch for itself.
        uv pip install -q --python "$envdir/bin/python" --require-hashes -r "$build"
        uv pip sync -q --python "$envdir/bin/python" --require-hashes --no-build-isolation "$build" "$lock"
    else
        "$python" -c 'import ensurepip, venv' 2> /dev/null || need_packages python3-venv
        "$envdir/bin/python" -m pip --version > /dev/null 2>&1 || "$python" -m venv --clear "$envdir"
        pip=("$envdir/bin/python" -m pip -qq)
        "${pip[@]}" install --require-hashes -r "$build"
        "${pip[@]}" install --require-hashes --no-build-isolation -r "$build" -r "$lock"
        mapfile -t extra < <("$envdir/bin/python" tools/leftovers.py "$build" "$lock")
        if ((${#extra[@]})); then
            say "removing what $lock does not name: ${extra[*]}"
            "${pip[@]}" uninstall -y "${extra[@]}"
        fi
    fi
fi

if [[ -n $project ]]; then
    want_packages
    if has_uv; then
        uv pip install -q --python "$envdir/bin/python" --no-deps --no-build-isolation -e .
    else
        "$envdir/bin/python" -m pip -qq install --no-deps --no-build-isolation -e .
    fi
fi
echo "$wanted" > "$stamp"
say "$envdir is ready ($("$envdir/bin/python" -V))"
