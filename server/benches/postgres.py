"""Measuring on a PostgreSQL of its own, which lives as long as one command."""

import os
import subprocess
import sys


def measure(report, part: str, *command: str, reads_only: bool = False) -> None:
    """Runs this command of Python's with a throw-away PostgreSQL around it, and reports the rows that it prints by `Lines`. Where
    reads are measured alone, what is written before need not wait for the disk."""
    if subprocess.run(["which", "pg_virtualenv"], capture_output=True).returncode != 0:
        report.skip(part, "PostgreSQL is not installed (pg_virtualenv)")
        return
    hasty = ["-o", "synchronous_commit=off", "-o", "fsync=off"] if reads_only else []
    output = subprocess.run(["pg_virtualenv", "-t", "-o", "max_connections=100", *hasty, sys.executable, "-B", *command],
                            check=True, stdout=subprocess.PIPE).stdout.decode()
    for line in output.splitlines():
        if line.startswith("ROW\t"):
            fields = line.split("\t")[1:]
            report.row(*fields[:-1], {"True": True, "False": False, "None": None}[fields[-1]])


def url() -> str:
    """The database of the PostgreSQL around this process."""
    e = os.environ
    return f"postgres://{e['PGUSER']}:{e['PGPASSWORD']}@{e['PGHOST']}:{e['PGPORT']}/postgres"


class Lines:
    """A report to be read by `measure`."""

    def row(self, *fields) -> None:
        print("ROW", *fields, sep="\t", flush=True)

    def skip(self, part: str, why: str) -> None:
        print(f"left out of {part}: {why}", file=sys.stderr)
