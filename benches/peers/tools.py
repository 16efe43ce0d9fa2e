"""One timed run of one tool, in a process of its own.

usage: tools.py TOOL SETTINGS.json   (started by compare.py, which says what is in it)

Prints one line of JSON: seconds by stage, what the libraries alone had taken
from memory before the run, and versions. The matrix goes to a .npy file. The
model and the images are in memory before the clock starts; a pass over the
first batch warms up.
"""

import contextlib
import io
import json
import pathlib
import sys
import time
import warnings

import numpy as np
import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tests" / "fixtures"))
from torch_resnet import cifar10_test, cka_map, load_he  # noqa: E402


class Loader:
    """Batches in memory, with what the tools expect of a DataLoader (not a list:
    pytorch-cka takes a list for several loaders)."""

    dataset = "images"

    def __init__(self, batches):
        self.batches = batches

    def __len__(self):
        return len(self.batches)

    def __iter__(self):
        return iter(self.batches)


def resident_mib():
    """Memory of this process now."""
    with open("/proc/self/status") as status:
        for line in status:
            if line.startswith("VmRSS"):
                return int(line.split()[1]) / 1024
    return 0.0


class Stopwatch:
    """Sums the time spent in functions that it wraps."""

    def __init__(self):
        self.seconds = {}

    def wrap(self, owner, name, key):
        inner = getattr(owner, name)

        def timed(*args, **kwargs):
            start = time.perf_counter()
            try:
                return inner(*args, **kwargs)
            finally:
                spent = time.perf_counter() - start
                self.seconds[key] = self.seconds.get(key, 0.0) + spent

        setattr(owner, name, timed)

    def reset(self):
        self.seconds.clear()


def pytorch_cka(model, batches, names):
    """The package `pytorch-cka`: one forward pass, Gram matrices, one contraction."""
    import cka.cka as package

    watch = Stopwatch()
    watch.wrap(package, "hsic_cross", "pairs")
    watch.wrap(package.CKA, "_accumulate_hsic", "both")

    def run(loader):
        (matrix,) = package.compute_cka(
            model, model, loader, layers=names, device="cpu", progress=False
        )
        return matrix

    run(Loader(batches[:1]))
    watch.reset()
    start = time.perf_counter()
    matrix = run(Loader(batches))
    total = time.perf_counter() - start
    both, pairs = watch.seconds["both"], watch.seconds["pairs"]
    return matrix, {
        "forward": total - both,
        "gram": both - pairs,
        "pairs": pairs,
        "total": total,
    }


def torch_cka(model, batches, names):
    """The package `torch_cka`, under `no_grad`, which it does not set itself."""
    from torch_cka import CKA

    with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")
        tool = CKA(model, model, "first", "second", names, names, device="cpu")
        # Its pairs take a minute and more: only the network warms up.
        with torch.no_grad():
            model(batches[0][0])
            start = time.perf_counter()
            tool.compare(Loader(batches))
            total = time.perf_counter() - start
    result = tool.export()
    assert result["model1_layers"] == names
    return result["CKA"], {"total": total}


def forward_alone(model, batches, _names):
    """The network and nothing else, in PyTorch's two memory layouts."""
    seconds = {}
    layouts = {"default": torch.contiguous_format, "channels_last": torch.channels_last}
    for layout, memory in layouts.items():
        moved = model.to(memory_format=memory)
        inputs = [x.contiguous(memory_format=memory) for (x,) in batches]
        spent = []
        with torch.inference_mode():
            moved(inputs[0])
            for _ in range(3):
                start = time.perf_counter()
                for x in inputs:
                    moved(x)
                spent.append(time.perf_counter() - start)
        seconds[layout] = min(spent)
    return None, {"forward": min(seconds.values()), **seconds}


def exact(model, batches, names):
    """Float64 on the identical layers, features centred, U-centred form."""
    images = torch.cat([x for (x,) in batches]).double()
    start = time.perf_counter()
    found, matrix = cka_map(model.double(), images, len(batches[0][0]))
    assert found == names
    return matrix, {"total": time.perf_counter() - start}


TOOLS = {
    "pytorch-cka": pytorch_cka,
    "torch_cka": torch_cka,
    "forward": forward_alone,
    "exact": exact,
}


def main(tool, settings_file):
    settings = json.loads(pathlib.Path(settings_file).read_text())
    torch.set_num_threads(settings["threads"])
    torch.set_num_interop_threads(1)
    model = load_he(settings["weights"], settings["depth"])
    names = model.layer_names()
    images, _ = cifar10_test(settings["images"], settings["examples"])
    batches = [(x,) for x in images.split(settings["batch"])]
    before = resident_mib()
    matrix, seconds = TOOLS[tool](model, batches, names)
    if matrix is not None:
        np.save(settings["matrix"], np.asarray(matrix, dtype=np.float64))
    report = {"seconds": seconds, "before_mib": before, "names": names, "torch": torch.__version__}
    print(json.dumps(report))


if __name__ == "__main__":
    main(*sys.argv[1:])
