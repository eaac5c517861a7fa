#!/usr/bin/env bash
# Installs parts of Gogobe into a folder, from the checkout that this script is in. The images are made by it.
#   deploy/install.sh PREFIX python             PREFIX/venv: the project, with the versions of requirements.lock
#   deploy/install.sh PREFIX java MODULE…       PREFIX/java/MODULE: the class paths of java/; PREFIX/java/overrides.jar
# Needed: Python 3.11 to 3.13 with venv and a C++ compiler; a JDK of version 17 or newer, and Maven.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
prefix=$1
part=$2
shift 2
mkdir -p "$prefix"
prefix=$(cd "$prefix" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# pip only fetches uv, whose hashes are in the lock. The lock also has what tests and documentation need: as
# constraints it gives the versions of what the project itself needs, checked against its hashes.
install_python() {
  "${PYTHON:-python3}" -m venv "$prefix/venv"
  awk '/^[^ ]/ { uv = /^uv==/ } uv' "$root/requirements.lock" > "$scratch/uv.lock"
  "$prefix/venv/bin/pip" install --quiet --disable-pip-version-check --require-hashes --no-deps \
    --requirement "$scratch/uv.lock"
  mkdir "$scratch/source"
  cp -r "$root/gogobe" "$root/pyproject.toml" "$root/setup.py" "$root/README.md" "$root/LICENSE" "$scratch/source/"
  VIRTUAL_ENV="$prefix/venv" "$prefix/venv/bin/uv" pip install --quiet --constraint "$root/requirements.lock" \
    "$scratch/source"
  VIRTUAL_ENV="$prefix/venv" "$prefix/venv/bin/uv" pip check --quiet
}

install_java() {
  cp -r "$root/java" "$scratch/java"
  mvn --quiet --batch-mode --file "$scratch/java/pom.xml" --projects "$(IFS=,; echo "$*")" \
    dependency:copy-dependencies
  mkdir -p "$prefix/java"
  for module in "$@"; do
    rm -rf "$prefix/java/$module"
    mv "$scratch/var/java/$module" "$prefix/java/"
  done
  bash "$root/java/overrides.sh" "$prefix/java/expansion" "$prefix/java/overrides.jar"
}

"install_$part" "$@"
