"""Running things and looking at what they cost."""

import dataclasses
import http.client
import json
import os
import pathlib
import signal
import socket
import subprocess
import urllib.request
import urllib.parse
import tempfile
import time

PROGRAM = os.environ["KUBESTATS_PROGRAM"]


@dataclasses.dataclass
class Cost:
    seconds: float
    peak_mb: float
    output: bytes
    cpu_seconds: float


def run(command: list[str], times: int = 1, stdin: bytes | None = None, before=lambda: None, keep: bool = True) -> Cost:
    """The best of several runs: wall and processor time, the largest resident memory of the process itself, what it printed."""
    best = None
    for _ in range(times):
        before()
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as said:
            if stdin is not None:
                given.write(stdin)
                given.seek(0)
            start = time.perf_counter()
            process = subprocess.Popen(command, stdin=given, stdout=out, stderr=said)
            _, status, usage = os.wait4(process.pid, 0)
            seconds = time.perf_counter() - start
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode != 0:
                said.seek(0)
                raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}: {said.read().decode(errors='replace')[-2000:]}")
            out.seek(0)
            # What is not kept is not read either: a child starts with this process's size as its own peak.
            cost = Cost(seconds, usage.ru_maxrss / 1024, out.read() if keep else b"", usage.ru_utime + usage.ru_stime)
        if best is None:
            best = cost
            continue
        best.peak_mb, best.cpu_seconds = max(cost.peak_mb, best.peak_mb), min(cost.cpu_seconds, best.cpu_seconds)
        if cost.seconds < best.seconds:
            best.seconds, best.output = cost.seconds, cost.output
    return best


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


FIRST_ACCOUNT = {"FIRST_SUPERUSER": "ada@example.org", "FIRST_SUPERUSER_PASSWORD": "violet anchor timber seventeen"}


class Server:
    """`kubestats serve` on a folder of its own, stopped at the end of the block."""

    def __init__(self, folder: pathlib.Path, database: str | None = None, config: str | None = None, samples: str = "never"):
        self.folder, self.port = folder, free_port()
        environment = dict(os.environ, KUBESTATS_APP_DATA_DIR=str(folder / "data"), KUBESTATS_APP_LISTEN=f"127.0.0.1:{self.port}",
                           KUBESTATS_APP_SAMPLES=samples, KUBESTATS_APP_LOG_LEVEL="warn", **FIRST_ACCOUNT)
        self.token: str | None = None
        environment.pop("KUBESTATS_SITE_DIR", None)
        if database:
            environment["DATABASE_URL"] = database
        command = [PROGRAM, "serve"]
        if config is not None:
            (folder / "kubestats.yaml").write_text(config)
            command = [PROGRAM, "--config", str(folder / "kubestats.yaml"), "serve"]
        self.log = open(folder / "server.log", "wb")
        start = time.perf_counter()
        self.process = subprocess.Popen(command, cwd=folder, env=environment, stdout=self.log, stderr=self.log)
        try:
            self.ready_seconds = self._ready(start)
        except BaseException:
            self.process.kill()
            raise

    def _ready(self, start: float) -> float:
        while time.perf_counter() - start < 60:
            if self.process.poll() is not None:
                break
            try:
                if self.get("/api/health", timeout=2)[0] == 200:
                    return time.perf_counter() - start
            except OSError:
                time.sleep(0.002)
        raise RuntimeError("kubestats serve is not ready: " + (self.folder / "server.log").read_text(errors="replace")[-2000:])

    def get(self, path: str, timeout: float = 30, verb: str = "GET", headers: dict | None = None, body: dict | None = None) -> tuple[int, bytes]:
        headers = dict(headers or {})
        if body is not None:
            headers["Content-Type"] = "application/json"
        if verb != "GET":
            headers["Authorization"] = f"Bearer {self.access_token()}"
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(verb, path, body=None if body is None else json.dumps(body), headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def access_token(self) -> str:
        """What changes something is asked by whoever the server knows first."""
        if self.token is None:
            form = urllib.parse.urlencode({"username": FIRST_ACCOUNT["FIRST_SUPERUSER"], "password": FIRST_ACCOUNT["FIRST_SUPERUSER_PASSWORD"]})
            url = f"http://127.0.0.1:{self.port}/api/v1/login/access-token"
            with urllib.request.urlopen(urllib.request.Request(url, form.encode()), timeout=30) as answer:
                self.token = json.load(answer)["access_token"]
        return self.token

    def json(self, path: str, verb: str = "GET", body: dict | None = None):
        status, answer = self.get(path, verb=verb, body=body)
        if status >= 300:
            raise RuntimeError(f"{verb} {path}: {status} {answer[:500]!r}")
        return json.loads(answer)

    def call_off(self) -> None:
        """Calls off the scans that wait: a generated database names remotes that nobody has, and asks for all of them once more."""
        until = time.monotonic() + 60
        while waiting := self.json("/api/v1/jobs?state=queued&limit=500")["data"]:
            for job in waiting:
                self.get(f"/api/v1/jobs/{job['id']}/cancel", verb="POST")
            if time.monotonic() > until:
                raise RuntimeError(f"{len(waiting)} jobs still wait")

    def resident_mb(self, field: str = "VmRSS:") -> float:
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(field):
                return int(line.split()[1]) / 1024
        raise RuntimeError("the server is gone")

    def peak_mb(self) -> float:
        return self.resident_mb("VmHWM:")

    def forget_peak(self) -> None:
        """From now on the peak is that of what comes."""
        pathlib.Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")

    def cpu_seconds(self) -> float:
        """User and system time of the process and of the children that it has waited for."""
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()
