"""What it costs to know who asks, and what others notice of somebody who tries passwords from everywhere.

Called as a part of `make bench`, or by itself: `KUBESTATS_PROGRAM=... python3 accounts.py here [tries a second]`.
"""

import asyncio
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
        with subprocess.Popen([sys.executable, "-B", __file__, "attack", str(server.port), str(TRIES), person["email"]],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as attack:
            try:
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
            finally:
                attack.kill()
        rate = int(made) / float(seconds)
        report.row("accounts", f"95th percentile of others while {rate:.0f} wrong passwords a second are tried", f"{under[1]:.1f} ms",
                   f"{somebody[1]:.1f} ms in quiet", f"{under[1] / somebody[1]:.2f}×", "", None)
        report.row("accounts", "right passwords that got in meanwhile, of 20", f"{in_time}", f"the slowest in {max(waited):.1f} s", "", "all", in_time == len(waited))
        report.row("accounts", "processor that the server took meanwhile", f"{busy:.2f} cores", "", "", "", None)


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


async def attack(port: int, rate: int, email: str) -> None:
    """Tries so many passwords a second, half of them for an account that is there, until its input ends. Prints how many it made
    in how many seconds."""
    made, start, stop = 0, time.perf_counter(), asyncio.Event()
    due: asyncio.Queue = asyncio.Queue(CONNECTIONS * 4)

    async def worker() -> None:
        nonlocal made
        chance, writer = random.Random(), None
        while True:
            await due.get()
            address = ".".join(str(chance.randrange(1, 255)) for _ in range(4))
            whose = email if chance.random() < 0.5 else f"{chance.getrandbits(64):x}@example.org"
            body = urlencode({"email": whose, "password": f"{chance.getrandbits(64):x}"})
            try:
                if writer is None:
                    reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write((f"POST /sign-in HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Forwarded-For: {address}\r\nContent-Length: {len(body)}\r\n"
                              f"Content-Type: application/x-www-form-urlencoded\r\n\r\n{body}").encode())
                head = await reader.readuntil(b"\r\n\r\n")
                length = next((int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")), 0)
                await reader.readexactly(length)
                made += 1
            except (OSError, asyncio.IncompleteReadError):
                writer = None

    async def ends() -> None:
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
        stop.set()

    work = [asyncio.create_task(worker()) for _ in range(CONNECTIONS)]
    end = asyncio.create_task(ends())
    number = 0
    while not stop.is_set():
        await asyncio.sleep(max(0.0, start + number / rate - time.perf_counter()))
        if not due.full():
            due.put_nowait(None)
        number += 1
    print(made, time.perf_counter() - start, flush=True)
    for task in [*work, end]:
        task.cancel()


if __name__ == "__main__":
    if sys.argv[1] == "attack":
        asyncio.run(attack(int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]))
    else:
        from slow import _Printed

        TRIES = int(sys.argv[2]) if len(sys.argv) > 2 else TRIES
        with tempfile.TemporaryDirectory() as there:
            accounts(_Printed(), pathlib.Path(there))
