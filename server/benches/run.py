"""Called by `make bench`: runs the parts that are named (all if none is), prints what they measured, and puts it into
docs/benchmarks.md in the place of what they measured before. What other parts measured stays there, with its date and commit.
"""

import datetime
import json
import os
import pathlib
import platform
import re
import subprocess
import sys

import accounts
import cold
import engine
import queue_speed
import rounds
import serving
import slow
import watching
from measure import PROGRAM

PARTS = {"scan": engine.scan, "uses": engine.uses, "history": engine.history, "commit": engine.commit, "serving": serving.serving, "queue": queue_speed.queue,
         "sync": rounds.sync, "discovery": rounds.discovery, "cold": cold.cold, "site": serving.site, "slow": slow.slow,
         "accounts": accounts.accounts, **watching.PARTS}
ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs" / "benchmarks.md"
BEGIN, END = "<!-- measured -->", "<!-- /measured -->"
# Of the variables that change a part, those that do not change what its figures mean.
HARMLESS = {"KUBESTATS_BENCH_BUILT", "KUBESTATS_BENCH_WATCHING"}


class Report:
    """What one part measured."""

    def __init__(self) -> None:
        self.rows: list[tuple] = []
        self.skipped: list[str] = []

    def row(self, part: str, what: str, figure: str, against: str, ratio: str, reach: str, reached: bool | None) -> None:
        self.rows.append((what, figure, against, ratio, reach, {True: "yes", False: "**no**", None: ""}[reached]))
        print(f"{part:9} {what}: {figure}{f', {ratio} ({against})' if ratio else ''}{f' [{reach}]' if reach else ''}"
              f"{'' if reached is None else ' ok' if reached else ' MISSED'}", flush=True)

    def drop(self, rows: int) -> None:
        """Take back the last rows: what they measured turned out not to have happened."""
        del self.rows[-rows:]

    def skip(self, part: str, why: str) -> None:
        self.skipped.append(why)
        print(f"{part:9} LEFT OUT: {why}", flush=True)

    def text(self, measured: str) -> str:
        lines = [measured, "", "| what | figure | against | ratio | to reach | reached |", "|---|---|---|---|---|---|"]
        lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in self.rows]
        if self.skipped:
            lines += ["", "Left out:", ""] + [f"- {s}" for s in self.skipped]
        return "\n".join(lines)


def commit_of_program() -> str | None:
    """Which commit the program was built of; of a release alone it is told."""
    told = subprocess.run([PROGRAM, "version", "--format", "json"], capture_output=True, text=True)
    if told.returncode != 0:
        return None
    commit = json.loads(told.stdout)["git_commit"]
    return None if commit == "unknown" else commit


def measured_on(commit: str) -> str:
    """When, of what, and on what: the line above a part's figures."""
    cpu = next((line.split(":", 1)[1].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")), platform.machine())
    changes = subprocess.run(["git", "-C", str(ROOT), "status", "--porcelain", "--untracked-files=no", "--", ".", ":!docs"], capture_output=True, text=True)
    of = f"commit {commit[:12]}{' with changes' if changes.stdout.strip() else ''}"
    return f"Measured {datetime.date.today()} of {of} by `make bench` on {len(os.sched_getaffinity(0))} cores ({cpu})."


def sections(text: str) -> dict[str, str]:
    """What stands below each part's heading."""
    pieces = re.split(r"^### (\S+)\n", text, flags=re.MULTILINE)
    return {name: body.strip() for name, body in zip(pieces[1::2], pieces[2::2])}


def merge(document: str, fresh: dict[str, str]) -> str:
    """The document with these parts' figures; all others are as they were, and stand in the parts' order."""
    start, end = document.index(BEGIN) + len(BEGIN), document.index(END)
    known = {**sections(document[start:end]), **fresh}
    body = "\n\n".join(f"### {name}\n\n{known[name]}" for name in PARTS if name in known)
    return f"{document[:start]}\n\n{body}\n\n{document[end:]}"


def write(name: str, report: Report) -> None:
    """Into the document, as soon as a part is done, since the next one may take an hour. What measured nothing changes nothing."""
    changed = sorted(variable for variable in os.environ if variable.startswith("KUBESTATS_BENCH_") and variable not in HARMLESS)
    commit = commit_of_program()
    if not report.rows:
        why = f"{name} measured nothing"
    elif changed:
        why = f"{', '.join(changed)} is set"
    elif not commit:
        why = f"{PROGRAM} is not what `make release` builds"
    else:
        DOCUMENT.write_text(merge(DOCUMENT.read_text(), {name: report.text(measured_on(commit))}))
        return
    print(f"docs/benchmarks.md stays as it is: {why}", file=sys.stderr)


def main() -> int:
    wanted = [name for name in PARTS if name not in watching.NAMES or name in watching.WANTED]
    names = [one for name in sys.argv[1:] for one in (watching.WANTED if name == "watching" else [name])] or wanted
    unknown = [n for n in [*names, *watching.WANTED] if n not in PARTS]
    if unknown:
        print(f"no such part: {', '.join(unknown)}; there are {', '.join(PARTS)}", file=sys.stderr)
        return 2
    code = 0
    for name in names:
        folder, report = engine.temporary(), Report()
        try:
            PARTS[name](report, folder)
            write(name, report)
        except Exception as error:  # One part that fails must not cost the others' hours, nor what it measured before.
            report.skip(name, f"failed: {error}")
            code = 1
        finally:
            engine.clean(folder)
    return code


if __name__ == "__main__":
    sys.exit(main())
