#!/usr/bin/env bash
# Times convolutions, inference and training steps of blockscope and PyTorch in
# turns, with the same threads (BLOCKSCOPE_THREADS, default all cores). Uses the
# Python environment of compare.sh (BLOCKSCOPE_PEERS_VENV).
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
venv=${BLOCKSCOPE_PEERS_VENV:-${XDG_CACHE_HOME:-$HOME/.cache}/blockscope/peers}
[ -x "$venv/bin/python" ] || { echo "run compare.sh once: it makes $venv" >&2; exit 1; }
cd "$here/../.."
BLOCKSCOPE_NETWORKS=${BLOCKSCOPE_NETWORKS:-$(cargo bench --bench networks --no-run 2>&1 | sed -n 's/.*Executable.*(\(.*\)).*/\1/p')}
export BLOCKSCOPE_NETWORKS
PYTHONDONTWRITEBYTECODE=1 exec "$venv/bin/python" "$here/networks.py" "$@"
