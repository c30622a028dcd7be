"""The behaviours of `clauses.csv` beside what carries them out: permission, guard or constraint, code and tests."""

import csv
from importlib.resources import files


def clause_rows() -> list[dict[str, object]]:
    """Return every behaviour with its status; `tests` are pytest node ids, empty only while it is planned."""
    data = files("counsel.data")
    with data.joinpath("carried.csv").open("r", encoding="utf-8") as source:
        carried = {row["id"]: row for row in csv.DictReader(source)}
    with data.joinpath("clauses.csv").open("r", encoding="utf-8") as source:
        return [_row(row, carried.get(row["id"])) for row in csv.DictReader(source)]


def _row(clause: dict[str, str], carried: dict[str, str] | None) -> dict[str, object]:
    done = carried is not None
    return {
        **clause,
        "status": "done" if done else "planned",
        "rule": carried["rule"] if carried else "",
        "code": carried["code"] if carried else "",
        "tests": carried["tests"].split() if carried else [],
    }
