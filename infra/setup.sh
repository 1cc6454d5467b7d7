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

# Whether the environment in $1 can stay: it works, and PYTHON, if given, is the interpreter it was made with.
suits() {
    "$1/bin/python" -c '' >/dev/null 2>&1 || return 1
    [ -z "${PYTHON:-}" ] || [ "$("$PYTHON" -VV 2>&1)" = "$("$1/bin/python" -VV 2>&1)" ]
}

# environment FOLDER REQUIREMENTS…: the last file is installed; when any of them changes, the folder is made anew.
environment() {
    folder=$1
    shift
    for last in "$@"; do :; done
    if [ "$(cksum "$@")" = "$(cat "$folder/pilot-stamp" 2>/dev/null)" ] && suits "$folder"; then
        return
    fi
    python=${python:-$(find_python)}
    check_tools
    echo "Installing $last into $folder (once; a minute or two) …"
    rm -rf "$folder"
    mkdir -p .local
    "$python" -m venv "$folder" || fail "no virtual environment could be made at $folder. \
On Debian or Ubuntu: apt-get install python3-venv"
    log=.local/setup.log
    if ! "$folder/bin/python" -m pip install -q --disable-pip-version-check --no-input --require-hashes -r "$last" \
        >"$log" 2>&1; then
        grep -v 'is ignored: it is neither a file nor a directory' "$log" >&2 || true
        fail "the packages of $last could not be installed (see above, and $log)."
    fi
    cksum "$@" >"$folder/pilot-stamp"
}

python=
environment .venv requirements.txt requirements-dev.txt
environment .local/ministack-venv requirements-ministack.txt
