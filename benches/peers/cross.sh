#!/usr/bin/env bash
# Times blockscope's comparison of models against pytorch-cka on the same weights,
# images, layers, batches and cores, and checks that the matrices agree: one pair,
# and all six pairs of four models.
#
#   BLOCKSCOPE_WEIGHTS   folder with resnet20-*.th and resnet56-*.th
#   BLOCKSCOPE_CIFAR10   folder cifar-10-batches-bin
#   BLOCKSCOPE_BIN       the program            (default: target/release/blockscope)
#   BLOCKSCOPE_PEERS_VENV  Python environment   (default: ~/.cache/blockscope/peers)
#
# compare.sh makes the environment. Arguments go to cross.py; see --help.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
venv=${BLOCKSCOPE_PEERS_VENV:-${XDG_CACHE_HOME:-$HOME/.cache}/blockscope/peers}
python=$venv/bin/python
"$python" -c 'import numpy, torch, cka' >/dev/null 2>&1 ||
    { echo "$venv does not import torch and cka; start compare.sh once" >&2; exit 2; }

# No .pyc files beside the sources.
PYTHONDONTWRITEBYTECODE=1 exec "$python" "$here/cross.py" "$@"
