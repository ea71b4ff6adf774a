#!/bin/sh
# What `make notebook` does: last night's notebook as a page that asks no other
# machine. The program would have the page load its scripts from a public server;
# an operator's network often has no way there, and need not tell who looks when.
# $1: the environment's programs, $2: the folder to write.
set -eu
BIN=$1
OUT=$2

mkdir -p "$OUT"
"$BIN/marimo" export html notebooks/last_night.py --no-include-code -o "$OUT/last_night.html" -f
OURS=$("$BIN/python" -c 'import marimo, pathlib; print(pathlib.Path(marimo.__file__).parent / "_static")')
rm -rf "$OUT/last_night_files"
cp -R "$OURS" "$OUT/last_night_files"
sed 's#https://cdn\.jsdelivr\.net/npm/@marimo-team/frontend@[^/]*/dist/#last_night_files/#g' \
    "$OUT/last_night.html" >"$OUT/last_night.html.local"
mv "$OUT/last_night.html.local" "$OUT/last_night.html"
