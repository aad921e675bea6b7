"""What it costs to know who asks, and what others notice of somebody who tries passwords from everywhere.

Called as a part of `make bench`, or by itself: `KUBESTATS_PROGRAM=... python3 accounts.py here [tries a second]`.
"""

import asyncio
import contextlib
import http.client
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time
from urllib.parse import urlencode

TRIES = int(os.environ.get("KUBESTATS_BENCH_TRIES", "1000"))
SECONDS = 10
ROUNDS = 3
PATHS = ["/repositories", "/charts", "/api/v1/repositories/?limit=25", "/tasks"]
# Who asks is believed when it comes from here, so that one machine can be many; how often one may ask is measured elsewhere.
CONFIG = "server: {trusted_proxies: [127.0.0.1], max_connections_per_address: off, rate_limits: {enabled: false}}\ndiscovery: {enabled: false}\n"
# Each try may have to wait for its answer.
CONNECTIONS = 800


def accounts(report, folder: pathlib.Path) -> None:
    from load import steady
    from measure import FIRST_ACCOUNT, Server

    person = {"email": FIRST_ACCOUNT["FIRST_SUPERUSER"], "password": FIRST_ACCOUNT["FIRST_SUPERUSER_PASSWORD"]}
    with Server(folder, config=CONFIG, samples="always") as server:
        came, session, device = come(server.port, person, "198.51.100.1")
        if not came:
            raise RuntimeError("the right password does not get in")
        steady(server.port, PATHS, seconds=3)
        figures = {"": [], f"Cookie: {session}\r\n": []}
        for _ in range(ROUNDS):
            for head, found in figures.items():
                found.append(steady(server.port, PATHS, head=head))
        nobody, somebody = (tuple(min(column) for column in zip(*found)) for found in figures.values())
        report.row("accounts", f"median of pages for somebody who signed in (best of {ROUNDS})", f"{somebody[0]:.1f} ms", f"{nobody[0]:.1f} ms for nobody",
                   f"{somebody[0] - nobody[0]:+.2f} ms", "under 1 ms more", somebody[0] - nobody[0] < 1)
        report.row("accounts", "95th percentile of the same", f"{somebody[1]:.1f} ms", f"{nobody[1]:.1f} ms for nobody",
                   f"{somebody[1] / nobody[1]:.2f}×", "", None)
        (folder / "other").mkdir()
        with Server(folder / "other", config=CONFIG, samples="always") as other, attacked(other.port, person["email"]):
            time.sleep(3)
            elsewhere = steady(server.port, PATHS, seconds=SECONDS, head=f"Cookie: {session}\r\n")
        with attacked(server.port, person["email"]) as attack:
            time.sleep(3)
            waited, in_time = [], 0
            begun = server.cpu_seconds()
            under = steady(server.port, PATHS, seconds=SECONDS, head=f"Cookie: {session}\r\n")
            busy = (server.cpu_seconds() - begun) / SECONDS
            for number in range(SECONDS):
                # From where they came before, and from elsewhere with the browser that they had there.
                for address, cookie in (("198.51.100.1", ""), (f"192.0.2.{number + 1}", device)):
                    start = time.perf_counter()
                    came, _, _ = come(server.port, person, address, cookie)
                    waited.append(time.perf_counter() - start)
                    in_time += came
                time.sleep(1)
            attack.stdin.close()
            made, seconds = attack.stdout.readline().split()
        rate = int(made) / float(seconds)
        report.row("accounts", f"95th percentile of others while {rate:.0f} wrong passwords a second are tried", f"{under[1]:.1f} ms",
                   f"{somebody[1]:.1f} ms in quiet", f"{under[1] / somebody[1]:.2f}×", "", None)
        report.row("accounts", "the same against another program that is attacked on this machine", f"{under[1]:.1f} ms", f"{elsewhere[1]:.1f} ms",
                   f"{under[1] / elsewhere[1]:.2f}×", "", None)
        report.row("accounts", "right passwords that got in meanwhile, of 20", f"{in_time}", f"the slowest in {max(waited):.1f} s", "", "all", in_time == len(waited))
        report.row("accounts", "processor that the server took meanwhile", f"{busy:.2f} cores", "", "", "", None)


@contextlib.contextmanager
def attacked(port: int, email: str):
    """While it goes on."""
    command = [sys.executable, "-B", __file__, "attack", str(port), str(TRIES), email]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as attack:
        try:
            yield attack
        finally:
            attack.kill()


def come(port: int, person: dict, address: str, device: str = "") -> tuple[bool, str, str]:
    """Signs in; whether that let somebody in, and the cookies of the session and of the browser. Who is asked to come again in
    some seconds does."""
    for _ in range(4):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        try:
            head = {"Content-Type": "application/x-www-form-urlencoded", "X-Forwarded-For": address}
            if device:
                head["Cookie"] = device
            connection.request("POST", "/sign-in", urlencode(person), head)
            answer = connection.getresponse()
            answer.read()
            where = answer.getheader("location", "")
            if "later=" not in where:
                cookies = [text.split(";")[0] for name, text in answer.getheaders() if name.lower() == "set-cookie"]
                named = {text.split("=")[0]: text for text in cookies}
                session = named.get("kubestats", "")
                return where == "/" and bool(session), session, named.get("kubestats_device", "")
            time.sleep(min(20, int("".join(c for c in where.split("later=")[1].split("&")[0] if c.isdigit()) or 5)))
        finally:
            connection.close()
    return False, "", ""


class Trier(asyncio.Protocol):
    """One connection that tries a password whenever it is told to, and says so once it is answered. It costs the machine as little
    as it can: what is measured shares its processors."""

    def __init__(self, answered):
        self.answered, self.read, self.transport = answered, b"", None

    def connection_made(self, transport) -> None:
        self.transport = transport

    def send(self, request: bytes) -> None:
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        self.read += data
        end = self.read.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self.read[:end].lower()
        at = head.find(b"content-length:")
        length = int(head[at + 15:].split(b"\r", 1)[0]) if at >= 0 else 0
        if len(self.read) >= end + 4 + length:
            self.read = b""
            self.answered(self)

    def connection_lost(self, _) -> None:
        self.transport = None


async def attack(port: int, rate: int, email: str) -> None:
    """Tries so many passwords a second, half of them for an account that is there, until its input ends. Prints how many it made
    in how many seconds."""
    loop, chance = asyncio.get_running_loop(), random.Random()
    made, begun, start, idle = 0, 0, time.perf_counter(), []

    def answered(trier: Trier) -> None:
        nonlocal made
        made += 1
        idle.append(trier)

    def request() -> bytes:
        address = ".".join(str(chance.randrange(1, 255)) for _ in range(4))
        whose = email if chance.random() < 0.5 else f"{chance.getrandbits(64):x}@example.org"
        body = urlencode({"email": whose, "password": f"{chance.getrandbits(64):x}"})
        return (f"POST /sign-in HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Forwarded-For: {address}\r\nContent-Length: {len(body)}\r\n"
                f"Content-Type: application/x-www-form-urlencoded\r\n\r\n{body}").encode()

    async def connect() -> None:
        _, trier = await loop.create_connection(lambda: Trier(answered), "127.0.0.1", port)
        idle.append(trier)

    await asyncio.gather(*(connect() for _ in range(CONNECTIONS)))
    end = loop.run_in_executor(None, sys.stdin.read)
    while not end.done():
        await asyncio.sleep(0.005)
        # What nobody is free for is not made up for later.
        due = int((time.perf_counter() - start) * rate) - begun
        begun += due
        for _ in range(min(due, len(idle))):
            trier = idle.pop()
            if trier.transport is None:
                asyncio.ensure_future(connect())
            else:
                trier.send(request())
    print(made, time.perf_counter() - start, flush=True)


if __name__ == "__main__":
    if sys.argv[1] == "attack":
        asyncio.run(attack(int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]))
    else:
        from slow import _Printed

        TRIES = int(sys.argv[2]) if len(sys.argv) > 2 else TRIES
        with tempfile.TemporaryDirectory() as there:
            accounts(_Printed(), pathlib.Path(there))
