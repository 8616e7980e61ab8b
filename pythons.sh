#!/bin/sh
# Prints one interpreter for each other Python version on this machine, for `make check-pythons`.
set -eu

minor_of() { "$1" -c 'import sys; print(sys.version_info[1] if sys.version_info[0] == 3 else 0)' 2>/dev/null || echo 0; }

seen=" $(minor_of .venv/bin/python) "
for python in python3.11 python3.12 python3.13 python3.14 "${PYENV_ROOT:-$HOME/.pyenv}"/versions/*/bin/python3; do
    path=$(command -v "$python" 2>/dev/null) || continue
    minor=$(minor_of "$path")
    [ "$minor" -ge 11 ] && [ "$minor" -le 14 ] || continue
    case "$seen" in *" $minor "*) continue ;; esac
    "$path" -c 'import venv, ensurepip' 2>/dev/null || continue
    seen="$seen$minor "
    echo "$path"
done
