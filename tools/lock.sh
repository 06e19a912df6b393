#!/bin/bash
# Makes every file requirements/*.txt anew from pyproject.toml and requirements/*.in.
#
# Rules kept here:
#   - each file is universal (any platform, Python >= 3.11) and carries a hash per distribution;
#   - none names a registry, a local path or an option: only names, versions, markers, hashes;
#   - dev, model and build agree with runtime on every version they share;
#   - the resolver itself comes hashed (requirements/lock.txt), so a lock can be made again.
#
# usage: tools/lock.sh             keep the pins that still fit
#        UPGRADE=1 tools/lock.sh   take the newest of everything, the resolver too
set -euo pipefail
cd "$(dirname "$0")/.."
export UV_PYTHON_DOWNLOADS=never UV_NO_PROGRESS=1

python=${PYTHON:-python3}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

"$python" -m venv "$scratch/env"
if [[ -f requirements/lock.txt && -z ${UPGRADE:-} ]]; then
    "$scratch/env/bin/python" -m pip install -q --require-hashes -r requirements/lock.txt
else
    "$scratch/env/bin/python" -m pip install -q -r requirements/lock.in
fi

# compile OUTPUT SOURCE... [option]...
compile() {
    local output=requirements/$1
    shift
    "$scratch/env/bin/uv" pip compile "$@" --quiet --universal --python-version 3.11 \
        --generate-hashes --no-header --no-emit-index-url --no-emit-find-links \
        ${UPGRADE:+--upgrade} --output-file "$output"
    echo "$output: $(grep -c '^[a-z0-9]' "$output") distributions"
}

# What [build-system] asks for, so that the editable install needs no unhashed build environment.
"$python" - > "$scratch/build.in" <<'PY'
import pathlib, tomllib
print("\n".join(tomllib.loads(pathlib.Path("pyproject.toml").read_text())["build-system"]["requires"]))
PY

compile runtime.txt pyproject.toml
compile build.txt "$scratch/build.in" --constraint requirements/runtime.txt --no-annotate
compile dev.txt pyproject.toml --extra dev --constraint requirements/runtime.txt --constraint requirements/build.txt
compile omemo.txt pyproject.toml --extra dev --extra omemo --constraint requirements/dev.txt --constraint requirements/build.txt
compile model.txt pyproject.toml --extra model --constraint requirements/runtime.txt
compile synapse.txt requirements/synapse.in --constraint requirements/build.txt
compile signal-cli.txt requirements/signal-cli.in --constraint requirements/build.txt
compile oidc.txt requirements/oidc.in --constraint requirements/build.txt
compile lock.txt requirements/lock.in

# A registry's host or a path of this machine in a lock would be published with it.
if grep -nE '://|^ *-(-index|-extra|-find|f |i |e )|(^| )/' requirements/*.txt; then
    echo "a lock names a host, an option or a path (above): not fit to commit" >&2
    exit 1
fi
