#!/usr/bin/env python3
"""blockscope against pytorch-cka and torch_cka: seconds, memory, agreement.

Start it with compare.sh, which makes the Python environment.

Same exported weights, same images, same layer list (every convolution, norm,
ReLU, sum, pool and logits as a module of its own, nothing in place), same
batches, one pass, evaluation mode, no gradients, same cores. Each measurement
is a process of its own; the tools take turns and the median counts, the best is
shown beside it. The peers get the model and the images in memory and a warm-up
batch before their clock starts. blockscope starts cold: its total is the wall
clock from the first batch to the result as its own record says, and the whole
process, start and files included, is shown as well.

Every matrix is compared with a float64 computation on the identical layers. The
exit code is 1 if blockscope's differs by more than --tolerance (or, far wider,
a peer's: then the comparison itself is wrong), and 2 if something is missing.
"""

import argparse
import hashlib
import json
import os
import pathlib
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PEER_TOLERANCE = 5e-3
# Median over best beyond which the machine was not quiet.
STEADY = 1.25
STAGES = ("forward", "gram", "pairs", "total")


def fail(message):
    print(f"compare: {message}", file=sys.stderr)
    sys.exit(2)


def arguments():
    parser = argparse.ArgumentParser(
        prog="compare.sh", formatter_class=argparse.ArgumentDefaultsHelpFormatter,
        description="Times blockscope against pytorch-cka and torch_cka.",
    )
    parser.add_argument("--depth", type=int, nargs="+", default=[20, 56], help="networks")
    parser.add_argument("--examples", type=int, default=512, help="test images, in order")
    parser.add_argument("--batch", type=int, default=256, help="images in a batch")
    parser.add_argument("--threads", type=int, default=2, help="threads, pinned to as many cores")
    parser.add_argument("--repeats", type=int, default=5, help="turns of the fast tools")
    parser.add_argument("--skip-slow", action="store_true", help="leave torch_cka out (minutes)")
    parser.add_argument("--skip-blockscope", action="store_true", help="measure only the peers")
    parser.add_argument("--tolerance", type=float, default=2e-4, help="of blockscope's cells")
    parser.add_argument("--json", type=pathlib.Path, help="write every measurement here")
    options = parser.parse_args()
    if options.repeats < 1 or options.threads < 1:
        parser.error("--repeats and --threads must be at least 1")
    if options.batch < 4 or options.examples % options.batch:
        # The peers weigh batches equally, blockscope by pairs: full batches only.
        parser.error("--examples must be a multiple of --batch, and --batch at least 4")
    return options


def folder(variable):
    value = os.environ.get(variable)
    if not value:
        fail(f"set {variable} (see compare.sh)")
    path = pathlib.Path(value).resolve()
    if not path.is_dir():
        fail(f"{variable}: {path} is not a folder")
    return path


class Runner:
    """Starts measurements on the same cores, one at a time."""

    def __init__(self, threads):
        cores = sorted(os.sched_getaffinity(0))
        if len(cores) < threads:
            fail(f"--threads {threads}, but only {len(cores)} cores may be used")
        self.cores = cores[:threads]
        count = str(threads)
        # OMP and MKL: torch. RAYON: blockscope, should it ask for more.
        self.environment = os.environ | {
            f"{name}_NUM_THREADS": count for name in ("OMP", "MKL", "OPENBLAS", "RAYON")
        }

    def __call__(self, command):
        """Runs a command; its output, wall-clock seconds and peak memory in MiB."""
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            start = time.perf_counter()
            child = subprocess.Popen(
                [str(part) for part in command], stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                env=self.environment,
                preexec_fn=lambda: os.sched_setaffinity(0, self.cores),
            )
            try:
                _, status, usage = os.wait4(child.pid, 0)
            except BaseException:
                child.kill()
                child.wait()
                raise
            wall = time.perf_counter() - start
            child.returncode = os.waitstatus_to_exitcode(status)
            out.seek(0)
            err.seek(0)
            text = out.read().decode(errors="replace")
            if child.returncode != 0:
                last = err.read().decode(errors="replace").strip().splitlines()[-12:]
                fail(f"exit {child.returncode}: {' '.join(map(str, command))}\n" + "\n".join(last))
        return text, wall, usage.ru_maxrss / 1024


class Case:
    """One network: where its files are and what was measured."""

    def __init__(self, depth, options, weights, images, runner, scratch):
        self.depth, self.options, self.runner, self.scratch = depth, options, runner, scratch
        found = sorted(weights.glob(f"resnet{depth}-*.th"))
        if not found:
            fail(f"no resnet{depth}-*.th in {weights}")
        self.weights, self.images = found[0], images
        self.settings = {
            "depth": depth, "weights": str(self.weights), "images": str(images),
            "examples": options.examples, "batch": options.batch, "threads": options.threads,
        }
        self.samples, self.matrices, self.names, self.torch = {}, {}, None, None

    def peer(self, tool):
        """One run of a Python tool."""
        matrix = self.scratch / f"{tool}.npy"
        settings = self.scratch / "settings.json"
        settings.write_text(json.dumps(self.settings | {"matrix": str(matrix)}))
        text, wall, peak = self.runner([sys.executable, HERE / "tools.py", tool, settings])
        report = json.loads(text.splitlines()[-1])
        self.names, self.torch = report["names"], report["torch"]
        sample = report["seconds"] | {
            "process": wall, "peak": peak, "libraries": report["before_mib"],
        }
        self.samples.setdefault(tool, []).append(sample)
        if tool != "forward":
            self.matrices[tool] = np.load(matrix)

    def exact(self):
        """The float64 matrix, kept between runs under what it depends on."""
        key = hashlib.sha256()
        for part in (
            self.weights.read_bytes(),
            (self.images / "test_batch.bin").read_bytes()[: self.options.examples * 3073],
            (ROOT / "tests/fixtures/torch_resnet.py").read_bytes(),
            f"{self.depth} {self.options.examples} {self.options.batch}".encode(),
        ):
            key.update(hashlib.sha256(part).digest())
        cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
        kept = cache / "blockscope" / f"exact-{key.hexdigest()[:24]}.npy"
        if kept.exists():
            self.matrices["exact"] = np.load(kept)
            return
        self.peer("exact")
        kept.parent.mkdir(parents=True, exist_ok=True)
        np.save(kept, self.matrices["exact"])

    def import_weights(self, program):
        """A run folder to analyse; not timed (it evaluates all test images)."""
        self.runner([
            program, "import", self.weights, "--preset", "he", "--data", f"cifar10:{self.images}",
            "--name", f"resnet{self.depth}", "--runs", self.scratch,
        ])

    def blockscope(self, program):
        """One run of blockscope."""
        options = self.options
        _, wall, peak = self.runner([
            program, "analyze", f"resnet{self.depth}", "--runs", self.scratch,
            "--data", f"cifar10:{self.images}", "--examples", options.examples,
            "--sample", "first", "--batch", options.batch, "--device", "cpu",
            "--threads", options.threads, "--pc-examples", "0",
        ])
        analysis = self.scratch / f"resnet{self.depth}" / "analysis"
        main = analysis / "maps" / "cka" / "map.ron"
        if not main.exists():  # a program before format 2
            main = analysis / "analysis.ron"
        record = main.read_text()
        block = re.search(r"\bseconds:\s*(?:Seconds)?\s*\(([^)]*)\)", record)
        if not block:
            fail(f"{main} has no seconds")
        pairs = re.findall(r"(\w+):\s*([0-9.eE+-]+)", block.group(1))
        sample = {name: float(value) for name, value in pairs}
        self.our_names = re.findall(
            r'\bname:\s*"([^"]*)"', record[record.index("layers:"):].split(")]", 1)[0]
        )
        self.samples.setdefault("blockscope", []).append(sample | {"process": wall, "peak": peak})
        self.matrices["blockscope"] = np.load(
            main.with_name("values.npy" if main.name == "map.ron" else "cka.npy")
        )

    def measure(self, program):
        """All tools in turns."""
        options = self.options
        self.exact()
        if program:
            self.import_weights(program)
        for turn in range(options.repeats):
            note(f"ResNet-{self.depth}: turn {turn + 1} of {options.repeats}")
            if program:
                self.blockscope(program)
            self.peer("pytorch-cka")
            self.peer("forward")
        if not options.skip_slow:
            note(f"ResNet-{self.depth}: torch_cka, once (minutes)")
            self.peer("torch_cka")

        if program and self.our_names != self.names:
            fail(f"blockscope's {len(self.our_names)} layers are not the peers' {len(self.names)}")

    def middle(self, tool, key, how=statistics.median):
        values = [s[key] for s in self.samples.get(tool, []) if key in s]
        return how(values) if values else None

    def report(self):
        """Prints the tables; true if the matrices agree."""
        options = self.options
        load = os.getloadavg()[0]
        print(
            f"\nResNet-{self.depth}: {len(self.names)} layers, {options.examples} images, "
            f"batch {options.batch}, {options.threads} threads, torch {self.torch}, "
            f"load {load:.1f}"
        )
        spread = max(
            self.middle(tool, "total") / self.middle(tool, "total", min) for tool in self.samples
            if tool != "forward"
        )
        if load > options.threads + 1.5 or spread > STEADY:
            print("  other programs compete for the cores: do not quote these times")
        print("  seconds      " + "".join(f"{s:>9}" for s in (*STAGES, "best", "process"))
              + "    ratio   peak MiB (before the run)")
        ours = self.middle("blockscope", "total")
        for tool in ("blockscope", "pytorch-cka", "torch_cka"):
            if tool not in self.samples:
                continue
            cells = [self.middle(tool, key) for key in STAGES]
            cells += [self.middle(tool, "total", min), self.middle(tool, "process")]
            row = "".join("        -" if c is None else f"{c:9.3f}" for c in cells)
            ratio = f"{cells[3] / ours:8.2f}x" if ours else "        -"
            peak, before = self.middle(tool, "peak", max), self.middle(tool, "libraries", max)
            memory = f"{peak:10.0f}" + (f" ({before:.0f})" if before else "")
            print(f"  {tool:<13}{row}{ratio}{memory}")
        alone = [self.middle("forward", key) for key in ("default", "channels_last")]
        print("  PyTorch's forward passes alone: " + ", ".join(
            f"{value:.3f} {name}" for value, name in zip(alone, ("default", "channels-last"))))
        return self.agreement()

    def agreement(self):
        """Largest differences between matrices."""
        agree = True
        tools = [t for t in ("blockscope", "pytorch-cka", "torch_cka") if t in self.matrices]
        for at, tool in enumerate(tools):
            matrix, parts = self.matrices[tool], []
            limit = self.options.tolerance if tool == "blockscope" else PEER_TOLERANCE
            for other in ("exact", *tools[at + 1:]):
                gap = difference(matrix, self.matrices[other], "pytorch-cka" in (tool, other))
                parts.append(f"{gap:.1e} to {'float64' if other == 'exact' else other}")
                if other == "exact" and not gap <= limit:
                    agree = False
                    parts[-1] += f" (more than {limit:.0e})"
            print(f"  largest difference of {tool}: {', '.join(parts)}")
        return agree


def difference(a, b, clamped):
    """Largest difference of two matrices; NaN if an undefined layer or another
    shape makes them incomparable. pytorch-cka clamps its cells to 0..1."""
    if a.shape != b.shape:
        return np.nan
    if clamped:
        a, b = np.clip(a, 0, 1), np.clip(b, 0, 1)
    return np.abs(a - b).max()


def note(text):
    print(text, file=sys.stderr, flush=True)


def main():
    # Stopped from outside: clean up and keep what was measured.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    options = arguments()
    weights, images = folder("BLOCKSCOPE_WEIGHTS"), folder("BLOCKSCOPE_CIFAR10")
    program = None
    if not options.skip_blockscope:
        program = pathlib.Path(
            os.environ.get("BLOCKSCOPE_BIN") or ROOT / "target/release/blockscope"
        ).resolve()
        if not os.access(program, os.X_OK):
            fail(f"{program} is not there: cargo build --release, or set BLOCKSCOPE_BIN")
    runner = Runner(options.threads)
    agree, cases = True, []
    try:
        for depth in options.depth:
            with tempfile.TemporaryDirectory(prefix="blockscope-peers-") as scratch:
                case = Case(depth, options, weights, images, runner, pathlib.Path(scratch))
                cases.append(case)
                case.measure(program)
                agree &= case.report()
    finally:
        # What was measured before an interruption is kept, too.
        if options.json:
            record = {
                f"resnet{case.depth}": {
                    "examples": options.examples, "batch": options.batch,
                    "threads": options.threads, "torch": case.torch, "samples": case.samples,
                }
                for case in cases
            }
            options.json.write_text(json.dumps(record, indent=1) + "\n")
    sys.exit(0 if agree else 1)


if __name__ == "__main__":
    main()
