#!/bin/sh
# What `make notebook` does: every notebook as a page that asks no other machine.
# The program would have a page load its scripts from a public server; an
# operator's network often has no way there, and need not tell who looks when.
# $1: the environment's programs, $2: the folder to write, then the notebooks' names.
set -eu
BIN=$1
OUT=$2
shift 2

mkdir -p "$OUT"
OURS=$("$BIN/python" -c 'import marimo, pathlib; print(pathlib.Path(marimo.__file__).parent / "_static")')
rm -rf "$OUT/notebook_files"
cp -R "$OURS" "$OUT/notebook_files"
for name in "$@"; do
    "$BIN/marimo" export html "notebooks/$name.py" --no-include-code -o "$OUT/$name.html" -f
    sed 's#https://cdn\.jsdelivr\.net/npm/@marimo-team/frontend@[^/]*/dist/#notebook_files/#g' \
        "$OUT/$name.html" >"$OUT/$name.html.local"
    mv "$OUT/$name.html.local" "$OUT/$name.html"
done
