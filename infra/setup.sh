#!/bin/sh
# Finds a Python and lets infra/setup install with it: `run` (what `make run` needs), `dev` (all), `lock` (pins anew).
set -eu
cd "$(dirname "$0")/.."

fail() {
    printf 'Setup cannot go on: %s\n' "$1" >&2
    exit 1
}

recent() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

find_python() {
    if [ -n "${PYTHON:-}" ]; then
        recent "$PYTHON" || fail "PYTHON=$PYTHON is not Python 3.11 or later."
        echo "$PYTHON"
        return
    fi
    # The first that could make an environment; else the first that is recent enough, to say what it lacks.
    lacking=
    for candidate in python3.13 python3.12 python3.11 python3; do
        recent "$candidate" || continue
        if "$candidate" -c 'import venv, ensurepip' >/dev/null 2>&1; then
            echo "$candidate"
            return
        fi
        lacking=${lacking:-$candidate}
    done
    [ -n "$lacking" ] || fail "Python 3.11 or later is missing. On Debian or Ubuntu: apt-get install python3 python3-venv"
    echo "$lacking"
}

check_tools() {
    command -v git >/dev/null 2>&1 || fail "git is missing. On Debian or Ubuntu: apt-get install git"
    command -v make >/dev/null 2>&1 || fail "make is missing. On Debian or Ubuntu: apt-get install make"
    for module in venv ensurepip ssl; do
        "$python" -c "import $module" >/dev/null 2>&1 || fail "$("$python" --version) has no '$module' module. \
On Debian or Ubuntu: apt-get install $("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])') \
(or python3-venv)"
    done
}

# Once set up, the same Python again, unless PYTHON names another.
python=.local/setup-venv/bin/python
if [ -n "${PYTHON:-}" ] || ! "$python" -c 'import pip' >/dev/null 2>&1; then
    python=$(find_python)
    check_tools
fi
exec "$python" -m infra.setup "$@"
