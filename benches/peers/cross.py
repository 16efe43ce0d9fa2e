#!/usr/bin/env python3
"""blockscope's comparison of models against pytorch-cka: seconds and agreement.

Start it with cross.sh.

Two cases: ResNet-20 against ResNet-56 (published weights), and all six pairs of
four models, those two and the same architectures with random weights. The peer
takes two models at a time and runs both for each pair; blockscope runs each model
once and also makes every model's own map, which its time includes. Same images,
layers, batches and cores, one pass, evaluation mode. Each measurement is a process
of its own; the tools take turns and the median counts. The peer gets models and
images in memory and a warm-up batch before its clock starts; blockscope starts
cold, its total is the wall clock from the first batch to the result as its own
record says.

The exit code is 1 if the matrices do not agree (blockscope's pair with float64,
and every pair with the peer's), and 2 if something is missing.
"""

import argparse
import itertools
import json
import os
import pathlib
import re
import shutil
import statistics
import sys
import tempfile
import time

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT / "tests" / "fixtures"))
from compare import PEER_TOLERANCE, STEADY, Runner, difference, fail, folder, note  # noqa: E402

TOLERANCE = 2e-4


def arguments():
    parser = argparse.ArgumentParser(
        prog="cross.sh", formatter_class=argparse.ArgumentDefaultsHelpFormatter,
        description="Times comparisons of models against pytorch-cka.",
    )
    parser.add_argument("--examples", type=int, default=512, help="test images, in order")
    parser.add_argument("--batch", type=int, default=256, help="images in a batch")
    parser.add_argument("--threads", type=int, default=2, help="threads, pinned to as many cores")
    parser.add_argument("--repeats", type=int, default=3, help="turns")
    parser.add_argument("--pair-only", action="store_true", help="leave out the four models")
    parser.add_argument("--json", type=pathlib.Path, help="write every measurement here")
    options = parser.parse_args()
    if options.repeats < 1 or options.threads < 1:
        parser.error("--repeats and --threads must be at least 1")
    if options.batch < 4 or options.examples % options.batch:
        # The peer weighs batches equally, blockscope by pairs: full batches only.
        parser.error("--examples must be a multiple of --batch, and --batch at least 4")
    return options


# torch is imported in processes of their own only: a child's peak memory counts
# what its parent held when it was started.


def random_weights(depth, folder, path):
    """A network with random weights and the norms' statistics of 256 images."""
    import torch
    from torch_resnet import ResNet, cifar10_test

    images, _ = cifar10_test(folder, 256)
    depth = int(depth)
    torch.manual_seed(depth)
    model = ResNet(depth).train()
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = None
    with torch.no_grad():
        model(images)
    torch.save(model.state_dict(), path)


def peer(settings_file):
    """One run of pytorch-cka over all pairs; prints a line of JSON."""
    import cka.cka as package
    import torch
    from tools import Loader
    from torch_resnet import cifar10_test, load_he

    settings = json.loads(pathlib.Path(settings_file).read_text())
    torch.set_num_threads(settings["threads"])
    torch.set_num_interop_threads(1)
    models = [load_he(m["weights"], m["depth"]) for m in settings["models"]]
    images, _ = cifar10_test(settings["images"], settings["examples"])
    batches = [(x,) for x in images.split(settings["batch"])]

    def run(a, b, loader):
        first, second = models[a], models[b]
        (matrix,) = package.compute_cka(
            first, second, loader, layers=first.layer_names(),
            model2_layers=second.layer_names(), device="cpu", progress=False,
        )
        return matrix

    run(0, 1, Loader(batches[:1]))
    pairs = list(itertools.combinations(range(len(models)), 2))
    start = time.perf_counter()
    matrices = [run(a, b, Loader(batches)) for a, b in pairs]
    total = time.perf_counter() - start
    for (a, b), matrix in zip(pairs, matrices):
        np.save(f"{settings['out']}/peer-{a}-{b}.npy", np.asarray(matrix, dtype=np.float64))
    print(json.dumps({"total": total, "torch": torch.__version__}))


class Case:
    """A set of models: what was measured on them."""

    def __init__(self, models, images, options, runner, program, scratch):
        self.models, self.images, self.options = models, images, options
        self.runner, self.program, self.scratch = runner, program, scratch
        self.pairs = list(itertools.combinations(range(len(models)), 2))
        self.samples = {"blockscope": [], "pytorch-cka": []}
        self.torch = None

    def blockscope(self):
        """One comparison of all models, with nothing kept from before."""
        options, kept = self.options, self.scratch / "runs" / "comparisons"
        shutil.rmtree(kept, ignore_errors=True)
        names = [model["name"] for model in self.models]
        out = self.scratch / "out"
        _, wall, peak = self.runner([
            self.program, "compare", *names, "--runs", self.scratch / "runs",
            "--data", f"cifar10:{self.images}", "--examples", options.examples,
            "--sample", "first", "--batch", options.batch, "--device", "cpu",
            "--threads", options.threads, "--skip-predictions", "--out", out,
        ])
        records = [*kept.glob("*/cka/map.ron"), *kept.glob("*/comparison.ron")]
        record = records[0].read_text()
        block = re.search(r"\bseconds:\s*(?:Seconds)?\s*\(([^)]*)\)", record)
        if not block:
            fail(f"{kept} has no seconds")
        found = re.findall(r"(\w+):\s*([0-9.eE+-]+)", block.group(1))
        sample = {name: float(value) for name, value in found}
        self.samples["blockscope"].append(sample | {"process": wall, "peak": peak})
        self.ours = {
            (a, b): np.load(out / f"{names[a]}--{names[b]}.cka.npy") for a, b in self.pairs
        }

    def peer(self):
        """One run of pytorch-cka."""
        options, settings = self.options, self.scratch / "settings.json"
        settings.write_text(json.dumps({
            "models": self.models, "images": str(self.images), "examples": options.examples,
            "batch": options.batch, "threads": options.threads, "out": str(self.scratch),
        }))
        text, wall, peak = self.runner([sys.executable, __file__, "--peer", settings])
        report = json.loads(text.splitlines()[-1])
        self.torch = report.pop("torch")
        self.samples["pytorch-cka"].append(report | {"process": wall, "peak": peak})
        self.theirs = {
            pair: np.load(self.scratch / f"peer-{pair[0]}-{pair[1]}.npy") for pair in self.pairs
        }

    def measure(self):
        for turn in range(self.options.repeats):
            note(f"{len(self.models)} models: turn {turn + 1} of {self.options.repeats}")
            self.blockscope()
            self.peer()

    def middle(self, tool, key, how=statistics.median):
        values = [s[key] for s in self.samples[tool] if key in s]
        return how(values) if values else None

    def report(self, exact):
        """Prints the table; true if the matrices agree."""
        options = self.options
        print(
            f"\n{' x '.join(m['name'] for m in self.models)}: {len(self.pairs)} pairs, "
            f"{options.examples} images, batch {options.batch}, {options.threads} threads, "
            f"torch {self.torch}, load {os.getloadavg()[0]:.1f}"
        )
        spread = max(self.middle(t, "total") / self.middle(t, "total", min) for t in self.samples)
        if spread > STEADY:
            print("  other programs compete for the cores: do not quote these times")
        stages = ("forward", "gram", "pairs", "total")
        print("  seconds      " + "".join(f"{s:>9}" for s in (*stages, "best", "process"))
              + "    ratio   peak MiB")
        ours = self.middle("blockscope", "total")
        for tool in self.samples:
            cells = [self.middle(tool, key) for key in stages]
            cells += [self.middle(tool, "total", min), self.middle(tool, "process")]
            row = "".join("        -" if c is None else f"{c:9.3f}" for c in cells)
            peak = self.middle(tool, "peak", max)
            print(f"  {tool:<13}{row}{cells[3] / ours:8.2f}x{peak:11.0f}")
        gaps = {p: difference(self.ours[p], self.theirs[p], True) for p in self.pairs}
        worst = max(gaps, key=lambda p: np.nan_to_num(gaps[p], nan=np.inf))
        gap = difference(self.ours[0, 1], exact, False)
        print(f"  largest difference of blockscope: {gap:.1e} to float64 (first pair), "
              f"{gaps[worst]:.1e} to pytorch-cka (pair {worst[0]}-{worst[1]})")
        return gap <= TOLERANCE and all(value <= PEER_TOLERANCE for value in gaps.values())


def exact_map(first, second, folder, examples, batch, out):
    """ResNet-20 against ResNet-56 in float64."""
    import torch
    import make_cross_reference as reference
    from torch_resnet import cifar10_test, load_he

    reference.BATCH = int(batch)
    pair = [load_he(first, 20).double(), load_he(second, 56).double()]
    pixels, _ = cifar10_test(folder, int(examples), torch.float64)
    np.save(out, reference.cross_map(pair, pixels).numpy())


def exact(models, images, options, runner, scratch):
    """The first pair in float64: the fixture if it is of these images."""
    kept = ROOT / "tests" / "fixtures" / "cross_resnet20_resnet56.npy"
    if (options.examples, options.batch) == (512, 256):
        return np.load(kept).astype(np.float64)
    note("float64, once")
    out = scratch / "exact.npy"
    runner([
        sys.executable, __file__, "--exact", models[0]["weights"], models[1]["weights"], images,
        options.examples, options.batch, out,
    ])
    return np.load(out)


def main():
    options = arguments()
    weights, images = folder("BLOCKSCOPE_WEIGHTS"), folder("BLOCKSCOPE_CIFAR10")
    program = pathlib.Path(
        os.environ.get("BLOCKSCOPE_BIN") or ROOT / "target/release/blockscope"
    ).resolve()
    if not os.access(program, os.X_OK):
        fail(f"{program} is not there: cargo build --release, or set BLOCKSCOPE_BIN")
    runner = Runner(options.threads)
    agree, cases = True, []
    with tempfile.TemporaryDirectory(prefix="blockscope-cross-") as scratch:
        scratch = pathlib.Path(scratch)
        models = []
        for depth in (20, 56):
            found = sorted(weights.glob(f"resnet{depth}-*.th"))
            if not found:
                fail(f"no resnet{depth}-*.th in {weights}")
            models.append({"name": f"resnet{depth}", "depth": depth, "weights": str(found[0])})
        if not options.pair_only:
            for depth in (20, 56):
                path = scratch / f"random{depth}.pth"
                runner([sys.executable, __file__, "--random", depth, images, path])
                models.append({"name": f"random{depth}", "depth": depth, "weights": str(path)})
        note("importing (evaluates all test images; not timed)")
        for model in models:
            runner([
                program, "import", model["weights"], "--preset", "he",
                "--data", f"cifar10:{images}", "--name", model["name"],
                "--runs", scratch / "runs", "--device", "cpu", "--threads", options.threads,
            ])
        reference = exact(models, images, options, runner, scratch)
        for chosen in ([models[:2]] if options.pair_only else [models[:2], models]):
            case = Case(chosen, images, options, runner, program, scratch)
            cases.append(case)
            case.measure()
            agree &= case.report(reference)
    if options.json:
        record = {
            f"{len(case.models)} models": {
                "examples": options.examples, "batch": options.batch,
                "threads": options.threads, "torch": case.torch, "samples": case.samples,
            }
            for case in cases
        }
        options.json.write_text(json.dumps(record, indent=1) + "\n")
    sys.exit(0 if agree else 1)


if __name__ == "__main__":
    tasks = {"--peer": peer, "--random": random_weights, "--exact": exact_map}
    task = tasks.get(sys.argv[1] if len(sys.argv) > 1 else "")
    if task:
        task(*sys.argv[2:])
    else:
        main()
