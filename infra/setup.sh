#!/bin/sh
# Creates .venv and .local/ministack-venv from the pinned requirements; does nothing when both are up to date.
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

# What an environment was made from: its interpreter and its requirements. Another stamp means: make it anew.
stamp_of() {
    "$python" -c 'import sys; print(sys.version, sys.platform)'
    cksum "$@"
}

# environment FOLDER REQUIREMENTS…: the last file is installed, all of them count.
environment() {
    folder=$1
    shift
    for last in "$@"; do :; done
    if [ -f "$folder/pilot-stamp" ] && [ "$(stamp_of "$@")" = "$(cat "$folder/pilot-stamp")" ]; then
        return
    fi
    echo "Installing $last into $folder (once; a minute or two) …"
    rm -rf "$folder"
    mkdir -p "$(dirname "$folder")"
    "$python" -m venv "$folder" || fail "no virtual environment could be made at $folder. \
On Debian or Ubuntu: apt-get install python3-venv"
    log=.local/setup.log
    mkdir -p .local
    if ! "$folder/bin/python" -m pip install -q --disable-pip-version-check --no-input --require-hashes -r "$last" \
        >"$log" 2>&1; then
        grep -v 'is ignored: it is neither a file nor a directory' "$log" >&2 || true
        fail "the packages of $last could not be installed (see above; $log)."
    fi
    stamp_of "$@" >"$folder/pilot-stamp"
}

python=$(find_python)
check_tools
environment .venv requirements.txt requirements-dev.txt
environment .local/ministack-venv requirements-ministack.txt
