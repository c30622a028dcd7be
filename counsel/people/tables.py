"""Tables that people bring as CSV: decoded, headed, checked cell by cell, all rows or none (篇7 五).

Encodings UTF-8 (with or without BOM) and GB18030; formulae and invisible characters are refused with row and column.
"""

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

LONGEST_CELL, LONGEST_LINE, MOST_ROWS, PROGRESS_STEPS = 60, 5_000, 20_000, 20
FORMULA = re.compile(r"^[=+\-@\t\r＝＋－＠]")
HIDDEN = re.compile(r"[\x00-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
Progress = Callable[[int, int], None]
Cells = dict[str, str]


def no_progress(_done: int, _total: int) -> None:
    """Tell nobody."""


@dataclass(frozen=True)
class RowProblem:
    """What is wrong in one cell. `row` counts as a spreadsheet does: the heading is row 1."""

    row: int
    column: str
    code: str


@dataclass
class Report:
    """What an import did, or why it did nothing."""

    added: int = 0
    changed: int = 0
    same: int = 0
    problems: list[RowProblem] = field(default_factory=list)

    @property
    def detail(self) -> str:
        """Figures only, for the audit line."""
        return f"added {self.added} changed {self.changed} same {self.same}"


@dataclass(frozen=True)
class Columns:
    """The columns of one kind of table.

    :param names: column → the headings it may have, in either language.
    :param needed: columns that must be there and filled in every row.
    """

    names: Mapping[str, tuple[str, ...]]
    needed: tuple[str, ...]


def decode(raw: bytes) -> str | None:
    """Return the text of a file in UTF-8 or GB18030, or None when it is neither."""
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return None


def read_table(raw: bytes, columns: Columns) -> tuple[list[tuple[int, Cells]], list[RowProblem]]:
    """Return (row number, cells by column) of every row, and what is wrong with any cell."""
    text = decode(raw)
    if text is None or "\0" in text or any(len(line) > LONGEST_LINE for line in text.splitlines()):
        return [], [RowProblem(1, "", "encoding")]
    reader = csv.DictReader(io.StringIO(text, newline=""))
    headings = {column: _heading(reader.fieldnames or [], known) for column, known in columns.names.items()}
    missing = [RowProblem(1, column, "missing_column") for column in columns.needed if headings[column] is None]
    if missing:
        return [], missing
    rows = list(_rows(reader, headings))
    problems = [problem for number, cells in rows for problem in _cell_problems(number, cells, columns.needed)]
    if len(rows) > MOST_ROWS:
        problems.append(RowProblem(MOST_ROWS + 2, "", "too_many_rows"))
    if not rows:
        problems.append(RowProblem(2, "", "no_rows"))
    return rows, problems


def _heading(written: Iterable[str], known: tuple[str, ...]) -> str | None:
    return next((name for name in written if name.strip() in known), None)


def _rows(reader: Iterable[Mapping[str, str | None]], headings: Mapping[str, str | None]) -> Iterator[tuple[int, Cells]]:
    for number, cells in enumerate(reader, start=2):
        if number > MOST_ROWS + 2:
            return
        yield number, {column: (cells.get(name) or "").strip() if name else "" for column, name in headings.items()}


def _cell_problems(row: int, cells: Cells, needed: tuple[str, ...]) -> Iterator[RowProblem]:
    for column, value in cells.items():
        if column in needed and not value:
            yield RowProblem(row, column, "empty")
        elif FORMULA.match(value):
            yield RowProblem(row, column, "formula")
        elif HIDDEN.search(value):
            yield RowProblem(row, column, "hidden_characters")
        elif len(value) > LONGEST_CELL:
            yield RowProblem(row, column, "too_long")


def told(progress: Progress, done: int, total: int) -> None:
    """Tell the progress about twenty times on the way, and at the end."""
    if done == total or done % max(1, total // PROGRESS_STEPS) == 0:
        progress(done, total)
