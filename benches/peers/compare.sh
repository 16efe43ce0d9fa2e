#!/usr/bin/env bash
# Times blockscope against pytorch-cka and torch_cka on the same weights, images,
# layers, batches and cores, and checks that the matrices agree.
#
#   BLOCKSCOPE_WEIGHTS   folder with resnet20-*.th and resnet56-*.th
#   BLOCKSCOPE_CIFAR10   folder cifar-10-batches-bin
#   BLOCKSCOPE_BIN       the program            (default: target/release/blockscope)
#   BLOCKSCOPE_PEERS_VENV  Python environment   (default: ~/.cache/blockscope/peers)
#
# The environment is made on the first run (several GB with the default build of
# torch) and used again afterwards. Arguments go to compare.py; see --help.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
venv=${BLOCKSCOPE_PEERS_VENV:-${XDG_CACHE_HOME:-$HOME/.cache}/blockscope/peers}
python=$venv/bin/python

ready() { "$python" -c 'import numpy, torch, cka, torch_cka' >/dev/null 2>&1; }

if ! ready; then
    echo "making the Python environment in $venv" >&2
    mkdir -p "$(dirname "$venv")"
    "${PYTHON:-python3}" -m venv "$venv"
    "$python" -m pip install --quiet --disable-pip-version-check -r "$here/requirements.txt"
    ready || { echo "$venv does not import torch, cka and torch_cka" >&2; exit 1; }
fi

# No .pyc files beside the sources.
PYTHONDONTWRITEBYTECODE=1 exec "$python" "$here/compare.py" "$@"
