"""Connections that are held open and never finish, while others ask: what the others wait, and what it costs the server.

Called as a part of `make bench`, or by itself: `KUBESTATS_PROGRAM=... python3 slow.py here [connections]`.
"""

import os
import pathlib
import resource
import selectors
import socket
import subprocess
import sys
import tempfile

CONNECTIONS = int(os.environ.get("KUBESTATS_BENCH_SLOW", "10000"))
# What is no connection: the database, pipes, the ends that are measured.
KEPT_FILES = 512
# Each held connection sends a byte so often, or nothing if it only waits.
DRIP_SECONDS = 5
PATHS = ["/api/v1/repositories/?limit=25", "/api/v1/jobs", "/api/health/db", "/docs/"]
LARGE = b"GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nHost: localhost\r\n\r\n"
# Ways to hold one: what is sent at once, and what is dripped.
KINDS = {
    "silent": (b"", b""),
    "head": (b"GET /health HTTP/1.1\r\nHost: localhost\r\nX-More: ", b"x"),
    "idle": (b"GET /api/health HTTP/1.1\r\nHost: localhost\r\n\r\n", b""),
    "body": (b"POST /sign-in HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"
             b"Content-Length: 100000\r\n\r\nemail=", b"a"),
    "unread": (LARGE * 4, b""),
}


def slow(report, folder: pathlib.Path) -> None:
    from load import steady
    from measure import Server

    wanted, connections = CONNECTIONS, min(CONNECTIONS, _files() - KEPT_FILES)
    if connections < wanted:
        report.skip("slow", f"{wanted} connections need more open files than the system allows; {connections} were held")
    config = f"server: {{max_connections: {connections + 500}, max_connections_per_address: off}}\ndiscovery: {{enabled: false}}\n"
    with Server(folder, config=config) as server:
        steady(server.port, PATHS, seconds=3)
        quiet = steady(server.port, PATHS)
        before = server.resident_mb()
        with subprocess.Popen([sys.executable, "-B", __file__, "hold", str(server.port), str(connections)],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
            try:
                held = int(holder.stdout.readline())
                under = steady(server.port, PATHS)
                memory = server.resident_mb()
                holder.stdin.write("\n")
                holder.stdin.flush()
                ended, still = map(int, holder.stdout.readline().split())
            finally:
                holder.kill()
    # Heads that drip are ended after ten seconds, as they should be: some are always about to come again.
    ratio = under[1] / quiet[1]
    report.row("slow", f"95th percentile of others beside {still} slow connections", f"{under[1]:.1f} ms", f"{quiet[1]:.1f} ms in quiet",
               f"{ratio:.2f}×", "under 2×", ratio < 2 and still >= 0.75 * held)
    report.row("slow", f"memory with {still} slow connections ({ended} were ended and came again)", f"{memory:.0f} MB", f"{before:.0f} MB in quiet",
               f"{memory / before:.2f}×", "under 300 MB", memory < 300)


def _files() -> int:
    """As many open files as the system allows."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return most


class _Held:
    def __init__(self, port: int, number: int):
        self.hello, self.drip = list(KINDS.values())[number % len(KINDS)]
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        # One address has too few ports for all.
        self.socket.bind((f"127.0.0.{2 + number % 50}", 0))
        self.socket.settimeout(10)
        self.socket.connect(("127.0.0.1", port))
        self.socket.sendall(self.hello)
        self.socket.setblocking(False)


def hold(port: int, number: int) -> None:
    """Holds so many; one that the server ends is opened again. Prints how many once they are there, and on a line how many were
    ended and how many are open."""
    _files()
    held = [_Held(port, n) for n in range(number)]
    ended = 0
    print(len(held), flush=True)
    asked = selectors.DefaultSelector()
    asked.register(sys.stdin, selectors.EVENT_READ)
    place, step = 0, max(1, number // (DRIP_SECONDS * 10))
    while True:
        if asked.select(timeout=0.1):
            if not sys.stdin.readline():
                return
            print(ended, sum(not _is_ended(one) for one in held), flush=True)
        for _ in range(step):
            one = held[place]
            try:
                if one.drip:
                    one.socket.send(one.drip)
                elif _is_ended(one):
                    raise ConnectionError
            except BlockingIOError:
                pass
            except OSError:
                ended += 1
                one.socket.close()
                try:
                    held[place] = _Held(port, place)
                except OSError:
                    pass
            place = (place + 1) % number


def _is_ended(one: _Held) -> bool:
    # What is to stay unread is not looked at: the end comes behind it.
    if one.hello.startswith(LARGE):
        return one.socket.fileno() < 0 or one.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) != 0
    try:
        return one.socket.recv(4096, socket.MSG_PEEK if one.drip else 0) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


class _Printed:
    def row(self, part: str, what: str, figure: str, against: str, ratio: str, reach: str, reached: bool | None) -> None:
        print(f"{what}: {figure}, {ratio} ({against}) [{reach}] {'' if reached is None else 'ok' if reached else 'MISSED'}", flush=True)

    def skip(self, part: str, why: str) -> None:
        print(f"LEFT OUT: {why}", flush=True)


if __name__ == "__main__":
    if sys.argv[1] == "hold":
        hold(int(sys.argv[2]), int(sys.argv[3]))
    else:
        CONNECTIONS = int(sys.argv[2]) if len(sys.argv) > 2 else CONNECTIONS
        with tempfile.TemporaryDirectory() as there:
            slow(_Printed(), pathlib.Path(there))
