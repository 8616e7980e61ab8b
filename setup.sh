#!/bin/sh
# Creates .venv with pinned packages, or says in one sentence what is missing. Called by `make setup`.
set -eu

stop() { echo "setup: $1" >&2; exit 1; }

# These settings are for other installations; ours goes into .venv.
unset PYTHONHOME PYTHONPATH PIP_TARGET PIP_PREFIX PIP_ROOT PIP_DRY_RUN PIP_PYTHON PIP_REQUIREMENT
export PIP_USER=0 PIP_REQUIRE_VIRTUALENV=0 PIP_DISABLE_PIP_VERSION_CHECK=1

for candidate in python3 python3.14 python3.13 python3.12 python3.11; do
    if command -v "$candidate" >/dev/null 2>&1 &&
        "$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' 2>/dev/null; then
        python=$candidate
        break
    fi
done
[ -n "${python:-}" ] || stop "Python 3.11 to 3.14 is required, but none was found on the PATH; install one and run make again."

"$python" -c 'import venv, ensurepip' 2>/dev/null ||
    stop "this Python cannot create virtual environments; on Debian or Ubuntu run: apt-get install python3-venv"

# A folder that was moved or left half finished is recreated: its scripts contain its old path.
.venv/bin/python -c 'import pip' 2>/dev/null || "$python" -m venv --clear .venv ||
    stop "the virtual environment .venv could not be created; is this folder writable, and is there space on the disk?"

pip() { .venv/bin/python -m pip "$@"; }

# A company mirror is configured in pip; pass it on to uv.
index=$(for where in :env: install global; do pip config get "$where.index-url" 2>/dev/null && break; done || :)
[ -z "$index" ] || [ -n "${UV_DEFAULT_INDEX:-}${UV_INDEX_URL:-}" ] || export UV_DEFAULT_INDEX="$index"

# Compile once here: where Python may not write next to its packages, it would recompile them in every process, which
# triples the start-up time and stalls the first request while an SDK is being imported.
with_uv() {
    pip install --quiet "uv==$(sed -n 's/^uv==//p' requirements-dev.txt)" &&
        .venv/bin/python -m uv pip sync --quiet --compile-bytecode --python .venv/bin/python requirements-dev.txt
}
# What stops uv may not stop pip: certificates, a second index.
with_uv || { echo "setup: installing with uv failed; trying pip, which takes a minute." >&2; false; } ||
    pip install --quiet -r requirements-dev.txt ||
    stop "the packages in requirements-dev.txt could not be installed; see the lines above."
touch .venv/ready
