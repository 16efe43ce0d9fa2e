#!/usr/bin/env python3
"""What the explorer costs over a connection: bytes, processor time, latency.

    benches/remote.py                        blockscope and whichever peers are installed
    benches/remote.py --no-peers --idle 2    quicker

Runs programs on a pseudo terminal of their own, types, and counts what comes
back. Python's standard library only; Linux (processor time is read in /proc).
BLOCKSCOPE_BIN names the program, default target/release/blockscope. The tables
on standard output are those of docs/REMOTE.md.
"""

import argparse
import fcntl
import os
import pathlib
import pty
import re
import select
import shutil
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
SIZES = [(80, 24), (120, 40), (200, 60)]
DEPTHS = ["truecolor", "256", "16", "mono"]
RUN = "resnet14-shapes-s0"
UP, DOWN, PAGE_DOWN = b"\x1b[A", b"\x1b[B", b"\x1b[6~"
# what a plain terminal answers
ANSWERS = [
    (b"\x1b[c", b"\x1b[?1;2c"),
    (b"\x1b[0c", b"\x1b[?1;2c"),
    (b"\x1b[>c", b"\x1b[>0;10;1c"),
    (b"\x1b[6n", b"\x1b[1;1R"),
    (b"\x1b[5n", b"\x1b[0n"),
]


class Terminal:
    """A program on a pseudo terminal."""

    def __init__(self, argv, size, env=None, cwd=None):
        self.home = tempfile.TemporaryDirectory()
        columns, rows = size
        variables = {
            "PATH": os.environ["PATH"],
            "HOME": self.home.name,
            "TERM": "xterm-256color",
            "LANG": "C.UTF-8",
            "SHELL": "/bin/sh",
            **(env or {}),
        }
        self.began = time.monotonic()
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
            os.chdir(cwd or self.home.name)
            os.execvpe(argv[0], argv, variables)

    def read(self, quiet, limit=20.0):
        """Bytes until none came for `quiet` seconds, and when the first and the
        last of them came."""
        began, first, last, out = time.monotonic(), None, None, b""
        while time.monotonic() - began < limit:
            wait = quiet if last is None else last + quiet - time.monotonic()
            ready, _, _ = select.select([self.fd], [], [], max(wait, 0))
            if not ready:
                break
            try:
                part = os.read(self.fd, 1 << 16)
            except OSError:
                break
            if not part:
                break
            for query, answer in ANSWERS:
                if count := part.count(query):
                    os.write(self.fd, answer * count)
            last = time.monotonic()
            first = first or last
            out += part
        return out, first, last

    def press(self, key, quiet=0.25):
        """Bytes that answer a key, and seconds to the first of them."""
        sent = time.monotonic()
        os.write(self.fd, key)
        out, first, _ = self.read(quiet, 5.0)
        return len(out), (first - sent if first else None)

    def activity(self):
        """Ticks of processor time and voluntary switches of all threads."""
        with open(f"/proc/{self.pid}/stat") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        switches = 0
        for task in pathlib.Path(f"/proc/{self.pid}/task").iterdir():
            try:
                found = re.search(r"^voluntary_ctxt_switches:\s*(\d+)", (task / "status").read_text(), re.M)
                switches += int(found.group(1))
            except OSError:
                pass
        return int(fields[11]) + int(fields[12]), switches

    def idle(self, seconds):
        """Bytes, ticks and wake-ups while nobody does anything."""
        self.read(1.0, 10.0)
        before = self.activity()
        out, deadline = b"", time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            out += self.read(left, left)[0]
        after = self.activity()
        return len(out), after[0] - before[0], after[1] - before[1]

    def close(self):
        try:
            os.kill(self.pid, signal.SIGTERM)
            for _ in range(100):
                if os.waitpid(self.pid, os.WNOHANG)[0]:
                    break
                self.read(0.02, 0.02)
            else:
                os.kill(self.pid, signal.SIGKILL)
                os.waitpid(self.pid, 0)
        except (ProcessLookupError, ChildProcessError):
            pass
        os.close(self.fd)
        self.home.cleanup()


def frames(log):
    """The frames that a log of ours tells about."""
    text = log.read_text() if log.exists() else ""
    lines = [line for line in text.splitlines() if "blockscope::perf" in line]
    return [{k: float(v) for k, v in re.findall(r"(\w+)=([\d.e-]+)", line)} for line in lines]


def percentile(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(share * len(values)))] if values else None


def number(value, digits=1):
    if value is None:
        return "-"
    return f"{value:,.{digits}f}" if isinstance(value, float) else f"{value:,}"


def middle(values):
    return f"{number(round(statistics.median(values)))} / {number(max(values))}"


def table(head, rows):
    print("| " + " | ".join(head) + " |")
    print("|" + "---|" * len(head))
    for row in rows:
        print("| " + " | ".join(str(cell) for cell in row) + " |")
    print(flush=True)


def start(program, size, depth, log=None, options=()):
    argv = [program, "--device", "cpu", "--color", depth, *options, RUN]
    env = {}
    if log:
        argv += ["--log-file", str(log)]
        env["BLOCKSCOPE_LOG"] = "blockscope::perf=debug"
    terminal = Terminal(argv, size, env)
    # pictures come last
    out, _, last = terminal.read(1.5, 20.0)
    return terminal, len(out), last - terminal.began


def interactions(program):
    """Bytes of the usual moves, by size and depth; times by size."""
    rows, times = [], []
    with tempfile.TemporaryDirectory() as folder:
        for size in SIZES:
            for depth in DEPTHS:
                log = pathlib.Path(folder) / f"{size[0]}-{depth}"
                terminal, first, seconds = start(program, size, depth, log)
                moves = [terminal.press(key)[0] for key in [b"l"] * 5 + [b"h"] * 3]
                rows_moved = [terminal.press(key)[0] for key in [b"j"] * 5 + [b"k"] * 3]
                steps = [terminal.press(b"]")[0] for _ in range(5)]
                # the wheel over the inspector, which a screen of 80 columns has too
                column = size[0] * 3 // 4
                wheel = f"\x1b[<65;{column};8M".encode()
                wheels = [terminal.press(wheel)[0] for _ in range(5)]
                zooms = [terminal.press(b"+")[0] for _ in range(3)]
                pans = [terminal.press(key)[0] for key in [b"\x04", b"\x15"] * 2]
                terminal.close()
                rows.append([
                    f"{size[0]}x{size[1]}", depth, number(first), middle(moves), middle(rows_moved), middle(steps), middle(wheels), number(max(zooms)), number(max(pans)),
                ])
                drawn = frames(log)
                if depth == "truecolor" and drawn:
                    part = lambda name: [frame[name] for frame in drawn]
                    cells = [f"{size[0]}x{size[1]}", len(drawn), f"{1000 * seconds:.0f}"]
                    for name in ("build", "diff", "flush"):
                        values = part(name)
                        cells.append(f"{statistics.median(values):.2f} / {max(values):.2f}")
                    times.append(cells)
    print("Bytes: start is everything until the program is silent; of moves and steps the\n"
          "median and the largest. A row has its own layer in the inspector.\n")
    table(["size", "colours", "start", "move `l`", "other row `j`", "layer step `]`", "wheel, inspector", "zoom in `+`", "half page"], rows)
    if times:
        print("Milliseconds in truecolor, median and largest\n")
        table(["size", "frames", "start to silence", "build", "diff", "flush"], times)


def busy(program, seconds):
    """Latency of keys without and with a computation that uses all cores, or all but one."""
    rows = []
    cases = [
        ("idle", None, []),
        ("lesions of all blocks (`L`)", b"L", []),
        ("the same, `--threads -1`", b"L", ["--threads", "-1"]),
    ]
    with tempfile.TemporaryDirectory() as folder:
        for label, key, options in cases:
            log = pathlib.Path(folder) / label[:4]
            terminal, _, _ = start(program, (120, 40), "truecolor", log, options)
            if key:
                os.write(terminal.fd, key)
                terminal.read(0.5, 3.0)
            seen, sent, answered, ends = len(frames(log)), 0, [], time.monotonic() + seconds
            ticks, started = terminal.activity()[0], time.monotonic()
            while time.monotonic() < ends:
                if key and time.monotonic() - started > 1:
                    # it may be done: once more
                    started = time.monotonic()
                    os.write(terminal.fd, key)
                    terminal.read(0.04, 0.2)
                before = time.monotonic()
                os.write(terminal.fd, b"hl"[sent % 2 : sent % 2 + 1])
                sent += 1
                _, first, _ = terminal.read(0.04, 0.2)
                if first:
                    answered.append(1000 * (first - before))
            ticks = terminal.activity()[0] - ticks
            terminal.close()
            keys = [frame["key"] for frame in frames(log)[seen:] if "key" in frame]
            rows.append([
                label, sent, number(percentile(keys, 0.5)), number(percentile(keys, 0.99)),
                number(percentile(answered, 0.5)), number(percentile(answered, 0.99)),
                f"{ticks / os.sysconf('SC_CLK_TCK') / seconds:.2f}",
            ])
    print("Milliseconds at 120x40: from reading a key to the end of the flush (the program's log),\n"
          "and from typing to the first byte back (seen from outside)\n")
    table(["meanwhile", "keys", "flush p50", "p99", "first byte p50", "p99", "cores used"], rows)


def ours_idle(program, seconds):
    terminal, first, started = start(program, (120, 40), "256")
    moves = [terminal.press(key)[0] for key in [b"h"] * 5 + [b"l"] * 4]
    for _ in range(3):
        terminal.press(b"+")
    page = max(terminal.press(key)[0] for key in [b"\x04", b"\x15", b"\x04"])
    row = ["blockscope", number(first), number(round(statistics.median(moves))), number(round(page))]
    row += [number(n) for n in terminal.idle(seconds)]
    terminal.close()
    return row


def peers(text):
    """Name, command, cursor key, page key."""
    return [
        ("less", ["less", text], b"j", b" "),
        ("vim", ["vim", "-u", "DEFAULTS", "-R", text], b"j", b"\x06"),
        ("nvim", ["nvim", "-R", text], b"j", b"\x06"),
        ("tig", ["tig"], b"j", PAGE_DOWN),
        ("ranger", ["ranger", "/usr/bin"], b"j", PAGE_DOWN),
        ("htop", ["htop"], DOWN, PAGE_DOWN),
        ("btop", ["btop", "--utf-force"], DOWN, PAGE_DOWN),
    ]


def compare(program, seconds, skip):
    rows = [ours_idle(program, seconds)]
    with tempfile.TemporaryDirectory() as folder:
        text = pathlib.Path(folder) / "text.rs"
        source = (ROOT / "src" / "terminal" / "event_loop.rs").read_text()
        text.write_text(source * 5)
        for name, argv, cursor, page in [] if skip else peers(str(text)):
            if not shutil.which(argv[0]):
                print(f"{name} is not installed", file=sys.stderr)
                continue
            version = subprocess.run([argv[0], "--version"], capture_output=True, text=True).stdout
            found = re.search(r"\d+(\.\d+)*", version)
            terminal = Terminal(argv, (120, 40), cwd=str(ROOT))
            first = len(terminal.read(0.8, 4.0)[0])
            moves = statistics.median(terminal.press(cursor, 0.15)[0] for _ in range(9))
            # the largest: some reach the end
            pages = max(terminal.press(page, 0.15)[0] for _ in range(3))
            row = [f"{name} {found.group(0) if found else ''}", number(first), number(round(moves)), number(round(pages))]
            row += [number(n) for n in terminal.idle(seconds)]
            terminal.close()
            rows.append(row)
    print(f"Bytes at 120x40 in 256 colours; idle over {seconds} s\n")
    table(["program", "start", "cursor key", "page", "idle bytes", "idle ticks", "idle wake-ups"], rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--idle", type=float, default=10, help="seconds of idling and of the latency test")
    parser.add_argument("--no-peers", action="store_true", help="blockscope alone")
    parser.add_argument("--only", choices=["bytes", "latency", "peers"], help="one of the three parts")
    args = parser.parse_args()
    program = os.environ.get("BLOCKSCOPE_BIN", str(ROOT / "target" / "release" / "blockscope"))
    if not os.access(program, os.X_OK):
        sys.exit(f"{program} is not there: cargo build --release, or set BLOCKSCOPE_BIN")
    program = os.path.abspath(program)
    version = subprocess.run([program, "--version"], capture_output=True, text=True).stdout.strip()
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    print(f"{version}, sources at {commit.stdout.strip()}\n")
    if args.only in (None, "bytes"):
        interactions(program)
    if args.only in (None, "latency"):
        busy(program, args.idle)
    if args.only in (None, "peers"):
        compare(program, args.idle, args.no_peers)


if __name__ == "__main__":
    main()
