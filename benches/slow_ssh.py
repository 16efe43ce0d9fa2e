#!/usr/bin/env python3
"""Keys over a real SSH connection on a slow link.

    benches/slow_ssh.py [--rate BYTES] [--delay SECONDS]

Starts an OpenSSH server of its own on this machine (a free port, keys made for
the occasion), connects through a relay that passes RATE bytes a second, walks
down 40 rows as fast as a key repeats, then asks for the help and measures how
long that takes to show. Once as it is, and once with SSH_CONNECTION unset, so
that the program does not know that it is remote. BLOCKSCOPE_BIN names the
program, default target/release/blockscope.
"""

import argparse
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from remote import ROOT, RUN, Terminal, number, table  # noqa: E402


def relay(port, rate, delay):
    """What the client runs in place of a connection: standard input and output
    to the server, slowly."""
    link = socket.create_connection(("127.0.0.1", port))

    def upwards():
        while data := os.read(0, 4096):
            time.sleep(delay)
            link.sendall(data)
        os._exit(0)

    threading.Thread(target=upwards, daemon=True).start()
    while data := link.recv(max(rate // 50, 64)):
        time.sleep(len(data) / rate)
        os.write(1, data)


def serve(folder):
    """Starts a server; returns it and its port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    for name in ("host", "id"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True)
    shutil.copy(folder / "id.pub", folder / "keys")
    (folder / "config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder}/host\nAuthorizedKeysFile {folder}/keys\n"
        f"PidFile {folder}/pid\nStrictModes no\nUsePAM no\nPermitRootLogin yes\n"
    )
    sshd = shutil.which("sshd") or "/usr/sbin/sshd"
    server = subprocess.Popen([sshd, "-D", "-q", "-f", folder / "config"])
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port), 0.1).close()
            return server, port
        except OSError:
            time.sleep(0.05)
    sys.exit("the SSH server does not start (it wants /run/sshd on some systems)")


def walk(program, folder, port, rate, delay, known):
    prefix = "" if known else "unset SSH_CONNECTION; "
    command = f"{prefix}exec env LANG=C.UTF-8 COLORTERM=truecolor {program} --device cpu {RUN}"
    proxy = f"{sys.executable} {os.path.abspath(__file__)} --relay {port} --rate {rate} --delay {delay}"
    options = ["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", f"ProxyCommand={proxy}"]
    argv = ["ssh", "-tt", "-q", "-F", "none", "-i", str(folder / "id"), "-p", str(port)]
    for option in options:
        argv += ["-o", option]
    terminal = Terminal(argv + ["127.0.0.1", command], (120, 40))
    start = len(terminal.read(4.0, 60.0)[0])
    walked = b""
    for _ in range(40):
        os.write(terminal.fd, b"j")
        walked += terminal.read(0.05, 0.05)[0]
    asked, more = time.monotonic(), b""
    os.write(terminal.fd, b"?")
    while b"Keys" not in more and time.monotonic() - asked < 120:
        more += terminal.read(0.02, 0.02)[0]
    seconds = time.monotonic() - asked
    os.write(terminal.fd, b"\x03")
    terminal.read(1.0, 5.0)
    terminal.close()
    both = walked + more
    return [
        "yes" if known else "no", number(start), number(len(both)), both.count(b"\x1b[?2026h"), f"{seconds:.2f}",
    ]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=int, default=16_000, help="bytes a second (default 16,000)")
    parser.add_argument("--delay", type=float, default=0.05, help="seconds that keys take (default 0.05)")
    parser.add_argument("--relay", type=int, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.relay:
        return relay(args.relay, args.rate, args.delay)
    program = os.environ.get("BLOCKSCOPE_BIN", str(ROOT / "target" / "release" / "blockscope"))
    if not os.access(program, os.X_OK) or not shutil.which("ssh"):
        sys.exit("needs the program (cargo build --release, or BLOCKSCOPE_BIN) and OpenSSH")
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        server, port = serve(folder)
        try:
            rows = [
                walk(os.path.abspath(program), folder, port, args.rate, args.delay, known)
                for known in (True, False)
            ]
        finally:
            server.terminate()
    print(f"120x40 in truecolor, {args.rate:,} B/s, {args.delay} s for a key: 40 rows down, then the help\n")
    table(["knows that it is remote", "start, B", "40 rows and help, B", "frames", "help after, s"], rows)


if __name__ == "__main__":
    main()
