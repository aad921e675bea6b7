"""What watching costs, in three parts: how soon a push is told, what looks cost, and how pages are with many deliveries kept.

Called by `make bench`, or by itself: `KUBESTATS_PROGRAM=... python3 watching.py here [webhooks|polls|kept ...]`.
"""

import functools
import os
import pathlib
import sys
import tempfile

import postgres

NAMES = ["webhooks", "polls", "kept"]
# Of them all, those that run where all are meant.
WANTED = os.environ.get("KUBESTATS_BENCH_WATCHING", "").split() or NAMES


def watching(report, folder: pathlib.Path, name: str) -> None:
    """One of the parts."""
    place = folder / name
    (place / "data").mkdir(parents=True)
    if name == "polls":
        from polls import polls

        polls(report, place)
        return
    _measure(report, name, place, "SQLite", f"sqlite:{place / 'data' / 'kubestats.db'}")
    other = folder / f"{name}-postgres"
    other.mkdir()
    postgres.measure(report, name, __file__, "postgres", name, str(other), reads_only=name == "kept")


PARTS = {name: functools.partial(watching, name=name) for name in NAMES}


def _measure(report, name: str, folder: pathlib.Path, engine: str, database: str) -> None:
    if name == "webhooks":
        from webhooks import webhooks

        webhooks(report, folder, engine, database)
    else:
        from kept import kept

        kept(report, folder, engine, database)


if __name__ == "__main__":
    if sys.argv[1] == "postgres":
        _measure(postgres.Lines(), sys.argv[2], pathlib.Path(sys.argv[3]), "PostgreSQL", postgres.url())
    else:
        from slow import _Printed

        with tempfile.TemporaryDirectory() as there:
            for name in sys.argv[2:] or WANTED:
                PARTS[name](_Printed(), pathlib.Path(there))
