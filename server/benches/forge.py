"""The stand-in forge as the other side of a measurement: how many requests it got is told by itself."""

import http.client
import json
import os
import pathlib
import re
import subprocess
import sys
import threading
import time

STANDIN = os.environ["KUBESTATS_STANDIN"]
TOKEN = "standin-token-one"
TOPICS = ["kubesearch", "k8s-at-home"]
SCHEDULES = ["discover-repositories", "sync_all_repositories", "cleanup-repository-workdirs",
             "aggregate-daily-ecosystem-stats", "refresh-metrics", "prune"]


class Forge:
    """GitHub as the stand-in plays it, over a folder of bare repositories, with invented ones over the same if wanted."""

    def __init__(self, repositories: pathlib.Path, invented: int = 0, search_etags: bool = False):
        command = [STANDIN, "--repositories", str(repositories), "--generate", str(invented), "--no-forks", "--port", "0", "--generous",
                   *(["--search-etags"] if search_etags else [])]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.url, ready = None, False
        # Whoever waits for a line waits until there is one: a stand-in that says nothing is ended, and with it the wait.
        late = threading.Timer(120, self.process.kill)
        late.start()
        for line in self.process.stdout:
            if found := re.match(r"\s+GitHub\s+(http://127\.0\.0\.1:(\d+))", line):
                self.url, self.port = found[1], int(found[2])
            if line.startswith("discovery:"):
                ready = True
                break
        late.cancel()
        if self.url is None or not ready:
            self.process.kill()
            self.process.wait()
            raise RuntimeError("the stand-in forge does not start")

    def _ask(self, path: str, verb: str = "GET"):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(verb, path, headers={"accept": "application/json"})
            answer = connection.getresponse()
            body = answer.read()
            if answer.status >= 400:
                raise RuntimeError(f"the stand-in forge answers {verb} {path} with {answer.status}: {body[:300]!r}")
            return json.loads(body) if body.startswith((b"{", b"[")) else None
        finally:
            connection.close()

    def repositories(self) -> list[dict]:
        return self._ask("/_control/repositories")

    def counters(self) -> dict:
        return self._ask("/_control")["counters"]

    def requests(self) -> list[dict]:
        """The latest 20,000."""
        return self._ask("/_control/requests")

    def forget(self) -> None:
        self._ask("/_control/reset", verb="POST")

    def config(self, max_repository_mb: int = 1_000) -> str:
        """A configuration that finds everything there and does nothing by the clock."""
        return "\n".join([
            "security:", "  allowed_networks: [127.0.0.0/8]",
            "scan:", f"  max_repository_size_mb: {max_repository_mb}",
            "polling:", "  interval: 24h",
            "discovery:", f"  topics: [{', '.join(TOPICS)}]", "  max_age: 36500d", "  archived: true", "  forks: true",
            "  forges:", f"    - {{url: \"{self.url}\", provider: github, token: {TOKEN}}}",
            "schedules:", *[f"  {name}: \"off\"" for name in SCHEDULES], ""])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


class NotInTime(RuntimeError):
    """Something was waited for, and did not happen by then."""


def until(what: str, seconds: float, done, every: float = 0.5, left=lambda: "") -> None:
    """Asks until it is done; seldom, as what is asked is being measured. `left` says what is not, where it takes too long."""
    began = time.monotonic()
    while not done():
        if time.monotonic() - began > seconds:
            try:
                more = left()
            except (OSError, RuntimeError, http.client.HTTPException) as error:
                more = f"nobody tells what is left: {error}"
            raise NotInTime(f"{what} did not happen within {seconds:.0f} s{f'; {more}' if more else ''}")
        time.sleep(every)
    # Who looks on does not take a long wait for one without an end.
    if (took := time.monotonic() - began) > 10:
        print(f"{what}: {took:.0f} s", file=sys.stderr, flush=True)


def is_quiet(server) -> bool:
    """No job runs, could run or waits for its time."""
    return all(kind["ready"] + kind["running"] + kind["waiting"] == 0 for kind in server.json("/api/v1/tasks/overview")["queue"])


def work_left(server) -> str:
    """What keeps it from being quiet; what waits for its time did fail, or is limited."""
    words = {"ready": "ready", "running": "running", "waiting": "waiting", "failed_last_24_h": "failed"}
    said = []
    for kind in server.json("/api/v1/tasks/overview")["queue"]:
        if states := [f"{kind[state]:,} {word}" for state, word in words.items() if kind[state]]:
            said.append(f"{kind['kind']}: {', '.join(states)}")
    return "; ".join(said) or "nothing is left"


def is_scanned(repository: dict) -> bool:
    """Synced, and replayed as far as it is synced."""
    ended = repository["sync_status"] == repository["scan_status"] == "success"
    return ended and repository["scanned_commit"] is not None and repository["scanned_commit"] == repository["head_commit"]


def all_repositories(server) -> list[dict]:
    found = []
    while True:
        page = server.json(f"/api/v1/repositories/?skip={len(found)}&limit=100")
        found += page["data"]
        if len(found) >= page["count"] or not page["data"]:
            return found
