"""P16: the bytes a note of 2 KiB takes on disk, tables, indexes, keys, padding and audit included."""

import sqlite3
import tempfile
from pathlib import Path
from uuid import UUID

from bench.floor import Notes
from bench.measure import Figure, judged, ratio
from bench.saving import TEXT
from bench.stage import NOTES, TEXT_BYTES, write_notes
from tests.conftest import Centre


def bytes_per_note(centre: Centre, case_id: UUID, folder: Path) -> Figure:
    """P16: how much the databases grow by a hundred sessions with signed notes, compacted before and after."""
    before = compacted(centre)
    write_notes(centre, case_id, NOTES)
    after = compacted(centre)
    grown = {name: after[name] - before.get(name, 0) for name in after}
    floor = Notes(folder)
    floor.fill(NOTES * 10, TEXT)
    bare = floor.bytes_per_note(NOTES * 10)
    floor.db.execute("DELETE FROM notes")
    figure = {"notes": NOTES, "bytes_per_note": round(grown.pop("total") / NOTES), "plain_bytes": TEXT_BYTES}
    figure |= {"floor_bytes_per_note": round(bare), "ratio": ratio(figure["bytes_per_note"], TEXT_BYTES)}
    parts = {name: round(size / NOTES) for name, size in sorted(grown.items(), key=lambda pair: -pair[1]) if size > 0}
    return judged(figure, "ratio", 1.6) | {"bytes_per_note_by_table_and_index": parts}


def compacted(centre: Centre) -> dict[str, int]:
    """Return the bytes of compacted copies of database and lock store, in total and by table and index of the database."""
    sizes = {"total": 0}
    for file in ("counsel.sqlite", "locks.sqlite"):
        with tempfile.TemporaryDirectory() as name:
            copy = Path(name) / file
            with sqlite3.connect(centre.settings.instance / file) as db:
                db.execute("VACUUM INTO ?", (str(copy),))
            sizes["total"] += copy.stat().st_size
            with sqlite3.connect(copy) as db:
                sizes |= _parts(db) if file == "counsel.sqlite" else {}
    return sizes


def _parts(db: sqlite3.Connection) -> dict[str, int]:
    """Return bytes by table and index, nothing where SQLite was built without its `dbstat` table."""
    try:
        return dict(db.execute("SELECT name, sum(pgsize) FROM dbstat GROUP BY name").fetchall())
    except sqlite3.OperationalError:
        return {}
