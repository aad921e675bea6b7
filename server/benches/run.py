"""Called by `make bench`: runs the parts that are named (all if none is), prints a table, rewrites docs/benchmarks.md."""

import datetime
import pathlib
import platform
import sys

import accounts
import cold
import engine
import queue_speed
import rounds
import serving
import slow
import watching

PARTS = {"scan": engine.scan, "uses": engine.uses, "history": engine.history, "commit": engine.commit, "serving": serving.serving, "queue": queue_speed.queue,
         "sync": rounds.sync, "discovery": rounds.discovery, "cold": cold.cold, "site": serving.site, "slow": slow.slow,
         "accounts": accounts.accounts, "watching": watching.watching}
DOCUMENT = pathlib.Path(__file__).resolve().parents[2] / "docs" / "benchmarks.md"
BEGIN, END = "<!-- measured -->", "<!-- /measured -->"


class Report:
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
        self.skipped.append(f"{part}: {why}")
        print(f"{part:9} LEFT OUT: {why}", flush=True)

    def text(self) -> str:
        cpu = next((line.split(":", 1)[1].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")), platform.machine())
        lines = [f"Measured {datetime.date.today()} by `make bench` on {len(__import__('os').sched_getaffinity(0))} cores ({cpu}).", "",
                 "| what | figure | against | ratio | to reach | reached |", "|---|---|---|---|---|---|"]
        lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in self.rows]
        if self.skipped:
            lines += ["", "Left out in this run:", ""] + [f"- {s}" for s in self.skipped]
        return "\n".join(lines)


def main() -> int:
    names = sys.argv[1:] or list(PARTS)
    unknown = [n for n in names if n not in PARTS]
    if unknown:
        print(f"no such part: {', '.join(unknown)}; there are {', '.join(PARTS)}", file=sys.stderr)
        return 2
    report, code = Report(), 0
    for name in names:
        folder = engine.temporary()
        try:
            PARTS[name](report, folder)
        except Exception as error:  # One part that fails must not cost the others' hours.
            report.skip(name, f"failed: {error}")
            code = 1
        finally:
            engine.clean(folder)
    if not sys.argv[1:]:
        before = DOCUMENT.read_text()
        start, end = before.index(BEGIN) + len(BEGIN), before.index(END)
        DOCUMENT.write_text(f"{before[:start]}\n\n{report.text()}\n\n{before[end:]}")
    return code


if __name__ == "__main__":
    sys.exit(main())
