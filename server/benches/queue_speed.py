"""How many jobs one process enqueues, claims and finishes, every commit on disk."""

import json
import os
import pathlib
import subprocess

JOBS = 10_000


def queue(report, folder) -> None:
    program = os.environ["KUBESTATS_QUEUE"]
    for at_once in (4, 32):
        file = pathlib.Path(folder) / f"queue-{at_once}.db"
        line = subprocess.run([program, f"sqlite:{file}", str(JOBS), str(at_once)], check=True, capture_output=True, text=True).stdout
        found = json.loads(line.splitlines()[-1])
        rate = found["jobs_per_s"]
        report.row("queue", f"queue, SQLite, sync durable, {at_once} jobs at once", f"{rate:,} jobs/s", f"{JOBS:,} jobs",
                   "", "1,000 jobs/s", rate >= 1_000)
