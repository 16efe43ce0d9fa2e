#!/usr/bin/env python3
"""blockscope's convolution, inference and training against PyTorch's, in turns.

Start it with networks.sh. Both programs run several times, one after the other;
the median over turns of each program's own median counts, the best is beside it.
PyTorch gets its faster memory format for each measurement, and both the same
number of threads. Convolutions: 3x3, stride 1, batch 64, f32. The exit code is
always 0: targets are for people.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "tests" / "fixtures"))


def clock(seconds, f):
    f(), f()
    times, end = [], time.perf_counter() + seconds
    while len(times) < 3 or time.perf_counter() < end:
        start = time.perf_counter()
        f()
        times.append(1e3 * (time.perf_counter() - start))
    return statistics.median(times), min(times)


def torch_side(parts):
    """Prints what benches/networks prints, for PyTorch; best of both formats."""
    import torch
    import torch.nn.functional as F
    from torch_resnet import ResNet

    torch.set_num_threads(int(os.environ["BLOCKSCOPE_THREADS"]))
    formats = [torch.contiguous_format, torch.channels_last]

    def show(name, make, seconds):
        results = [clock(seconds / 2, make(form)) for form in formats]
        median, best = min(results)
        print(json.dumps({"name": name, "median": median, "best": best}), flush=True)

    if "conv" in parts:
        a = torch.randn(1024, 1024)
        show("gemm 1024", lambda _: lambda: a @ a, 2)
        for c, s in ((16, 32), (32, 16), (64, 8), (64, 32)):
            def tensors(form):
                x = torch.randn(64, c, s, s).contiguous(memory_format=form)
                w = torch.randn(c, c, 3, 3).contiguous(memory_format=form)
                return x, w

            def forward(form):
                x, w = tensors(form)
                return lambda: F.conv2d(x, w, padding=1)

            def grad(form, of):
                x, w = tensors(form)
                dy = torch.randn(64, c, s, s).contiguous(memory_format=form)
                mask = [of == "x", of == "w", False]
                return lambda: torch.ops.aten.convolution_backward(
                    dy, x, w, None, [1, 1], [1, 1], [1, 1], False, [0, 0], 1, mask)

            with torch.no_grad():
                show(f"forward {c}x{s}", forward, 1.5)
                show(f"input gradient {c}x{s}", lambda f: grad(f, "x"), 1.5)
                show(f"weight gradient {c}x{s}", lambda f: grad(f, "w"), 1.5)
    for depth, width in ((20, 1), (56, 1), (20, 4)):
        name = f"ResNet-{depth} x{width} batch 64"

        def inference(form):
            net = ResNet(depth, width).to(memory_format=form).eval()
            x = torch.randn(64, 3, 32, 32).contiguous(memory_format=form)

            def run():
                with torch.inference_mode():
                    net(x)
            return run

        def step(form):
            net = ResNet(depth, width).to(memory_format=form)
            x = torch.randn(64, 3, 32, 32).contiguous(memory_format=form)
            y = torch.randint(0, 10, (64,))
            sgd = torch.optim.SGD(net.parameters(), 0.01, momentum=0.9)

            def run():
                sgd.zero_grad()
                F.cross_entropy(net(x), y).backward()
                sgd.step()
            return run

        if "infer" in parts:
            show(f"inference {name}", inference, 4)
        if "train" in parts:
            show(f"training step {name}", step, 5)


def lines(command, env):
    out = subprocess.run(command, env=env, check=True, capture_output=True, text=True).stdout
    found = [json.loads(line) for line in out.splitlines() if line.startswith("{")]
    return {row["name"]: (row["median"], row["best"]) for row in found}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("parts", nargs="*", default=[], help="conv, infer, train (all if none)")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--torch", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    parts = args.parts or ["conv", "infer", "train"]
    if args.torch:
        return torch_side(parts)
    threads = os.environ.setdefault("BLOCKSCOPE_THREADS", str(os.cpu_count()))
    env = {**os.environ, "RAYON_NUM_THREADS": threads, "OMP_NUM_THREADS": threads}
    ours, theirs = {}, {}
    for turn in range(args.turns):
        print(f"turn {turn + 1} of {args.turns}", file=sys.stderr)
        for into, command in (
            (ours, [os.environ["BLOCKSCOPE_NETWORKS"], *parts]),
            (theirs, [sys.executable, __file__, "--torch", *parts]),
        ):
            for name, value in lines(command, env).items():
                into.setdefault(name, []).append(value)
    load = os.getloadavg()[0]
    print(f"{threads} threads, {args.turns} turns, load {load:.1f}; milliseconds")
    print(f"{'':<38}{'blockscope':>11}{'best':>9}{'PyTorch':>11}{'best':>9}{'ratio':>8}{'GFLOP/s':>9}")
    for name, rows in ours.items():
        ours_ms = statistics.median(m for m, _ in rows), min(b for _, b in rows)
        peer = theirs[name]
        peer_ms = statistics.median(m for m, _ in peer), min(b for _, b in peer)
        flops = 2.0 * 1024**3 if name.startswith("gemm") else None
        shape = name.rsplit(" ", 1)[-1].split("x")
        if len(shape) == 2 and "batch" not in name:
            c, s = map(int, shape)
            flops = 2.0 * 64 * c * c * 9 * s * s
        rate = f"{flops / ours_ms[1] / 1e6:9.0f}" if flops else ""
        print(f"{name:<38}{ours_ms[0]:11.2f}{ours_ms[1]:9.2f}{peer_ms[0]:11.2f}{peer_ms[1]:9.2f}"
              f"{ours_ms[0] / peer_ms[0]:8.2f}{rate}")


if __name__ == "__main__":
    main()
