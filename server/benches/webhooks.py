"""From a webhook that comes in to the first byte that goes out: pushes to many watched repositories, told at a steady rate to a
server that tells a receiver. What is pushed is fetched and scanned meanwhile, as it always is.

Run by watching.py; `python3 webhooks.py receive SECRET` is the receiver.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

REPOSITORIES = int(os.environ.get("KUBESTATS_BENCH_WATCHED", 200))
RATE, SECONDS = 50, int(os.environ.get("KUBESTATS_BENCH_WEBHOOK_SECONDS", 30))
# Before anything is measured: connections are opened, conditions compiled.
WARM_SECONDS = 4
# The one that is scanned, and one that is not.
BRANCHES = ("main", "release/1")
PLACES = REPOSITORIES * len(BRANCHES)


class Remotes:
    """Bare repositories whose commits are there before any branch comes to them, so that pushing costs nothing."""

    def __init__(self, root: pathlib.Path, length: int):
        self.owner = root / "ada"
        first = self._path(0)
        subprocess.run(["git", "init", "-q", "--bare", "--template=", "--initial-branch=main", str(first)], check=True)
        lines = []
        for commit in range(length):
            yaml = f"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: app\ndata:\n  value: \"{commit}\"\n"
            lines += ["commit refs/keep/line", f"committer Bench <bench@kubestats.invalid> {1_700_000_000 + commit * 60} +0000",
                      "data 6", "Commit", f"M 100644 inline apps/{commit % 4}.yaml", f"data {len(yaml)}", yaml]
        git = lambda *a, **more: subprocess.run(["git", "--git-dir", str(first), *a], check=True, stdout=subprocess.PIPE, **more).stdout
        git("fast-import", "--quiet", input="\n".join(lines).encode())
        self.line = git("rev-list", "--reverse", "refs/keep/line").decode().split()
        for branch in BRANCHES:
            git("update-ref", f"refs/heads/{branch}", self.line[0])
        for number in range(1, REPOSITORIES):
            shutil.copytree(first, self._path(number))

    def _path(self, number: int) -> pathlib.Path:
        return self.owner / f"cluster-{number}.git"

    def push(self, number: int, branch: str, commit: str) -> None:
        """Moves a branch the way git does: a lock beside it takes its place."""
        place = self._path(number) / "refs" / "heads" / branch
        lock = place.with_name(place.name + ".lock")
        lock.write_text(f"{commit}\n")
        lock.rename(place)


class Receiver:
    """A program of its own that takes what the server tells, checks who signed it and notes when its first byte came."""

    def __init__(self):
        self.secret = base64.b64encode(os.urandom(32)).decode()
        self.process = subprocess.Popen([sys.executable, "-B", __file__, "receive", self.secret], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())

    def config(self) -> str:
        """A trigger that tells it of all changes."""
        return (f"triggers:\n  - name: bench\n    target: {{webhook: {{url: 'http://127.0.0.1:{self.port}/hook'}}}}\n"
                f"    secret: 'whsec_{self.secret}'\n")

    def came(self) -> list[tuple[str, float]]:
        """What came: `repository branch commit`, and when its first byte did."""
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        told = json.loads(self.process.stdout.readline())
        if told["wrong"]:
            raise RuntimeError(f"{told['wrong']} webhooks that went out are not signed as they should be")
        return [tuple(one) for one in told["came"]]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(10)
        self.process.stdout.close()


def webhooks(report, folder: pathlib.Path, engine: str, database: str | None) -> None:
    from forge import Forge, all_repositories, is_quiet, is_scanned, until
    from load import drive, spread, steady
    from measure import Server

    warm, count = RATE * WARM_SECONDS, RATE * SECONDS
    remotes = Remotes(folder / "forge", (warm + count) // PLACES + 2)
    with Receiver() as receiver, Forge(folder / "forge") as forge, Server(folder, database=database, config=forge.config() + receiver.config()) as server:
        server.json("/api/v1/repositories/discover", verb="POST")
        until("the first sync of all", 900, lambda: is_quiet(server), every=1)
        found = {one["full_name"]: one["id"] for one in all_repositories(server) if is_scanned(one)}
        names = [f"ada/cluster-{number}" for number in range(REPOSITORIES)]
        hooks = {}
        for name in names:
            server.json(f"/api/v1/repositories/{found[name]}/watch", verb="PUT", body={"is_enabled": True})
            hooks[name] = server.json(f"/api/v1/repositories/{found[name]}/webhook-secret", verb="POST")
        until("the first look at all", 900, lambda: is_quiet(server), every=1)
        seen = server.json("/api/v1/branches?watched=true&limit=1")["count"]
        if seen != PLACES:
            raise RuntimeError(f"{seen} branches are watched instead of {PLACES}")

        def pushed(number: int) -> tuple[str, bytes]:
            """A push, and the webhook of GitHub that tells of it."""
            name, branch, step = names[number % REPOSITORIES], BRANCHES[number // REPOSITORIES % len(BRANCHES)], number // PLACES
            before, after = remotes.line[step:step + 2]
            remotes.push(number % REPOSITORIES, branch, after)
            return f"{name} {branch} {after}", _hook(hooks[name], name, branch, before, after)

        _taken(asyncio.run(drive(server.port, warm, RATE, pushed)))
        until("what the first ones asked for", 300, lambda: is_quiet(server), every=1)
        steady(server.port, ["/health/live"], seconds=3)
        live = steady(server.port, ["/health/live"], rate=RATE)
        cpu = server.cpu_seconds()
        results = asyncio.run(asyncio.wait_for(drive(server.port, count, RATE, lambda n: pushed(warm + n)), SECONDS * 6))
        cpu, answered = (server.cpu_seconds() - cpu) / SECONDS, spread(_taken(results))
        names_sent = {name for name, _, _, _ in results}
        told: dict[str, list[float]] = {}

        def all_came() -> bool:
            told.clear()
            for name, when in receiver.came():
                if name in names_sent:
                    told.setdefault(name, []).append(when)
            return len(told) == count

        late = 0
        try:
            until("that all are told", 120, all_came, every=1)
        except RuntimeError:
            late = count - len(told)
        # By the next look all is known that can be.
        until("what the last ones asked for", 600, lambda: is_quiet(server), every=1)
        all_came()
        twice = sum(len(times) - 1 for times in told.values())
        took = [min(told[name]) - due for name, due, _, _ in results if name in told]
    middle, slow = spread(took)
    what = f"webhook in to first byte out, {engine}, {RATE} a second for {SECONDS} s, {REPOSITORIES} watched repositories"
    for which, ours, plain, most in (("median", middle, live[0], 100), ("p95", slow, live[1], 500)):
        # Of those that never came nobody knows how long they take.
        report.row("webhooks", f"{what}, {which}", f"{ours:.1f} ms", f"`GET /health/live`, {plain:.1f} ms", f"{ours / plain:.1f} times",
                   f"under {most} ms", ours < most and late == 0)
    report.row("webhooks", f"the webhook's own answer, {engine}, p95 (median {answered[0]:.1f} ms)", f"{answered[1]:.1f} ms",
               f"`GET /health/live`, {live[1]:.1f} ms", f"{answered[1] / live[1]:.1f} times", "under 1 s", answered[1] < 1_000)
    report.row("webhooks", f"pushes that were told, {engine}", f"{len(told):,} of {count:,}, {twice} of them twice", "", "", "all, once",
               len(told) == count and twice == 0)
    report.row("webhooks", f"processor that the server took meanwhile, {engine}", f"{cpu:.2f} cores", "", "", "", None)


def _taken(results: list) -> list[float]:
    wrong = {status for _, _, _, status in results if status != 202}
    if wrong:
        raise RuntimeError(f"webhooks are answered with {sorted(wrong)}")
    return [took for _, _, took, _ in results]


def _hook(hook: dict, name: str, branch: str, before: str, after: str) -> bytes:
    owner, short = name.split("/")
    commit = {"id": after, "tree_id": after, "distinct": True, "message": "Commit", "timestamp": "2026-11-21T08:15:00Z",
              "author": {"name": "Bench", "email": "bench@kubestats.invalid"}, "added": [], "removed": [], "modified": ["apps/0.yaml"]}
    body = json.dumps({
        "ref": f"refs/heads/{branch}", "before": before, "after": after, "created": False, "deleted": False, "forced": False, "base_ref": None,
        "repository": {"id": 1, "name": short, "full_name": name, "private": False, "owner": {"name": owner, "login": owner}, "default_branch": "main"},
        "pusher": {"name": "ada", "email": "ada@example.org"}, "commits": [commit], "head_commit": commit,
    }).encode()
    signature = hmac.new(hook["secret"].encode(), body, hashlib.sha256).hexdigest()
    head = (f"POST {hook['path']} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
            f"User-Agent: GitHub-Hookshot/bench\r\nX-GitHub-Event: push\r\nX-GitHub-Delivery: {after[:8]}\r\nX-Hub-Signature-256: sha256={signature}\r\n\r\n")
    return head.encode() + body


async def receive(secret: str) -> None:
    """Takes requests on a port that it prints. For each line of its input it prints all that came; at the end it stops."""
    key, came, wrong = base64.b64decode(secret), [], 0

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal wrong
        try:
            while True:
                first = await reader.readexactly(1)
                when = time.perf_counter()
                lines = (first + await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[1:-2]
                head = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
                body = await reader.readexactly(int(head["content-length"]))
                writer.write(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")
                await writer.drain()
                signed = f"{head['webhook-id']}.{head['webhook-timestamp']}.".encode() + body
                expected = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
                wrong += expected not in head["webhook-signature"].split()
                data = json.loads(body)["data"]
                came.append((f"{data['repository']['full_name']} {data['branch']} {data['commit']['sha']}", when))
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    while await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline):
        print(json.dumps({"came": came, "wrong": wrong}), flush=True)


if __name__ == "__main__":
    asyncio.run(receive(sys.argv[2]))
