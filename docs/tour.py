#!/usr/bin/env python3
"""Makes the pictures of docs/TOUR.md and the recording of the README from the program
itself: each scene is keys sent to it in tmux, and what is on the screen then.

    python3 docs/tour.py target/release/blockscope

Needs tmux and Pillow, and DejaVu Sans Mono; writes docs/img/tour-NAME.png and
docs/img/tour.gif. Scenes that compute need no data: the shipped runs hold their results.
"""

import pathlib
import subprocess
import sys
import time

from PIL import Image

HERE = pathlib.Path(__file__).resolve().parent
SIZE = (120, 40)
# name, keys (tmux's names; a text is typed as it is), seconds until all is drawn
SCENES = [
    ("map", [], 1.0),
    ("structures", ["b", "]"], 0.5),
    ("layer", ["Tab", "Tab", "/3.1.relu2", "Enter"], 1.0),
    ("curve", ["i"], 0.5),
    ("cuts", ["i", "D", "o", "g", "g"], 0.5),
    ("palette", ["Escape", ":", "thresh"], 0.5),
    ("seeds", ["Escape", "s"], 1.2),
    ("differ", ["i", "]"], 0.6),
    ("runs", ["Escape", "Escape"], 0.8),
]
SHOWN = 2200  # milliseconds a scene stays in the recording


def tmux(*words):
    done = subprocess.run(["tmux", "-L", "tour", *words], check=True, capture_output=True)
    return done.stdout


def send(key):
    named = key in ("Tab", "Enter", "Escape", "Space") or len(key) == 1
    tmux("send-keys", "-t", "tour", *([key] if named else ["-l", key]))
    time.sleep(0.4 if key == "Escape" else 0.15)


def picture(path, cell):
    text = tmux("capture-pane", "-p", "-e", "-N", "-t", "tour")
    command = [sys.executable, HERE / "screenshot.py", path, "--size", str(cell)]
    subprocess.run(command + ["--columns", str(SIZE[0]), "--rows", str(SIZE[1])], input=text, check=True)


def main(program):
    (HERE / "img").mkdir(exist_ok=True)
    program = pathlib.Path(program).resolve()
    home = HERE.parent / "saved_runs"
    run = "resnet38-w2-cifar10-64th-s0"
    command = f"env HOME=/nonexistent {program} --color truecolor --runs {home} {run}"
    tmux("new-session", "-d", "-s", "tour", "-x", str(SIZE[0]), "-y", str(SIZE[1]), command)
    tmux("set", "-as", "terminal-features", ",*:RGB")
    frames = []
    try:
        time.sleep(1.0)
        for name, keys, wait in SCENES:
            for key in keys:
                send(key)
            time.sleep(wait)
            path = HERE / "img" / f"tour-{name}.png"
            picture(path, 16)
            image = Image.open(path).convert("RGB")
            image.quantize(128, dither=Image.Dither.NONE).save(path, optimize=True)
            frames.append(image.quantize(96, dither=Image.Dither.NONE))
    finally:
        tmux("kill-server")
    first, rest = frames[0], frames[1:]
    first.save(HERE / "img" / "tour.gif", save_all=True, append_images=rest, duration=SHOWN, loop=0)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
