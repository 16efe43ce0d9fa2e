#!/usr/bin/env python3
"""From the key `x` to the first estimate on screen, on a pseudo-terminal of 160x50.

    benches/estimate.py --runs FOLDER --run NAME --data SOURCE --at 1.1.relu2,2.1.relu2 BINARY...

Takes any number of binaries (before and after) in turns, each on a copy of the runs
without stored deletions, and prints every time and the median of each in seconds. The
estimate counts as there when its interval is drawn.
"""

import argparse
import fcntl
import os
import pty
import re
import select
import shutil
import signal
import statistics
import struct
import tempfile
import termios
import time

ESCAPES = re.compile(rb"\x1b\[[0-9;?>=]*[A-Za-z]|\x1b[()][A-Z0-9]|\x1b[=>]")
# the ruler of the map
OPENED = re.compile(rb"stage \d")
INTERVAL = re.compile(rb"\(\d?\d\.\d\xe2\x80\x93")


def pump(fd, seconds, wanted=None):
    """Reads for so long, or until `wanted` is drawn: the seconds until then, or None."""
    seen, start = b"", time.perf_counter()
    while time.perf_counter() - start < seconds:
        if select.select([fd], [], [], 0.05)[0]:
            try:
                seen += os.read(fd, 1 << 16)
            except OSError:
                break
            if wanted and wanted.search(ESCAPES.sub(b"", seen)):
                return time.perf_counter() - start
    return None


def times(binary, args):
    """The times of one program, one for each layer."""
    with tempfile.TemporaryDirectory() as folder:
        runs = os.path.join(folder, "runs")
        shutil.copytree(args.runs, runs)
        for place, _, files in os.walk(runs):
            for file in files:
                if file.startswith("deletion"):
                    os.remove(os.path.join(place, file))
        pid, fd = pty.fork()
        if pid == 0:
            os.environ.update(TERM="xterm-256color", COLORTERM="truecolor")
            command = [binary, args.run, "--runs", runs, "--data", args.data, "--device", "cpu"]
            os.execv(binary, command)
        fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 160, 0, 0))
        os.kill(pid, signal.SIGWINCH)
        if pump(fd, 5, OPENED) is None:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            raise SystemExit(f"{binary}: does not open {args.run} of {args.runs}")
        pump(fd, 1)
        found = []
        for layer in args.at.split(","):
            os.write(fd, b"/" + layer.encode() + b"\r")
            pump(fd, 0.6)
            os.write(fd, b"x")
            found.append(pump(fd, 5, INTERVAL))
            pump(fd, 1)
            os.write(fd, b"u")
            pump(fd, 2)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(fd)
        return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ["runs", "run", "data", "at"]:
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("binaries", nargs="+", metavar="BINARY")
    args = parser.parse_args()
    found = {binary: [] for binary in args.binaries}
    for _ in range(args.turns):
        for binary in args.binaries:
            found[binary] += times(os.path.abspath(binary), args)
    for binary, all_times in found.items():
        there = [t for t in all_times if t is not None]
        shown = " ".join("none" if t is None else f"{t:.3f}" for t in all_times)
        middle = f"{statistics.median(there):.3f}" if there else "none"
        print(f"{binary}: median {middle} s of {shown}")


if __name__ == "__main__":
    main()
