#!/bin/sh
# Makes the pictures of docs/FIGURES.md from the shipped runs with the program itself.
#
#   sh docs/figures.sh target/release/blockscope
set -eu
program="$1"
cd "$(dirname "$0")/.."
run=resnet38-w2-cifar10-64th-s0
export_() { "$program" export "$@" --runs saved_runs --dpi 160; }
export_ "$run" --out docs/img/figure-map.png --outlines --font-size 8
export_ "$run" --out docs/img/figure-probes.png --figure probes
export_ "$run" --out docs/img/figure-deletions.png --figure deletions --title ""
