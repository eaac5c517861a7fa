#!/bin/sh
# Names each missing prerequisite at once, with how to get it.
missing=0
need() { # NAME, how to get it
    command -v "$1" > /dev/null 2>&1 && return
    echo "missing: $1 — $2" >&2
    missing=1
}
python=${PYTHON:-python3}
need "$python" "install Python 3.11 or newer (Debian: apt-get install python3 python3-venv)"
need java "install a JDK of version 17 or newer (Debian: apt-get install openjdk-17-jdk)"
need mvn "install Apache Maven (Debian: apt-get install maven)"
need g++ "install a C++ compiler (Debian: apt-get install g++)"
if command -v "$python" > /dev/null 2>&1 && ! "$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))'; then
    echo "wrong version: $("$python" --version) — Python 3.11, 3.12 or 3.13 is needed (make PYTHON=python3.12 …)" >&2
    missing=1
fi
if command -v java > /dev/null 2>&1; then
    major=$(java -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p' | head -n 1)
    if [ "${major:-0}" -lt 17 ]; then
        echo "wrong version: java ${major:-unknown} — a JDK of version 17 or newer is needed" >&2
        missing=1
    fi
fi
exit $missing
