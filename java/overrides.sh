#!/usr/bin/env bash
# Compiles the classes that go before Beam's on the class path.
#   java/overrides.sh JARS FILE        JARS: the folder of the class path `expansion`; FILE: the jar to write
set -euo pipefail
jars=$1
file=$2
sources=$(cd "$(dirname "$0")/overrides" && pwd)
bin=${JAVA_HOME:+$JAVA_HOME/bin/}
classes=$(mktemp -d)
trap 'rm -rf "$classes"' EXIT
find "$sources" -name '*.java' -print0 | xargs -0 "${bin}javac" -nowarn -cp "$jars/*" -d "$classes"
cp -r "$sources/META-INF" "$classes/"
"${bin}jar" --create --file "$file" -C "$classes" .
