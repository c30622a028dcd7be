"""Old volumes on paper alone: entered without content, found by name with a reason; new numbers go on from them."""

from dataclasses import replace
from datetime import date
from functools import partial
from typing import Any

import pytest
from sqlalchemy import func, select

from counsel.archive.catalogue import catalogue
from counsel.archive.integrity import check_integrity
from counsel.archive.lending import decide_loan
from counsel.archive.models import Volume
from counsel.archive.names import search_names
from counsel.archive.paper import OldVolume, enter_paper, go_on_from, import_paper
from counsel.archive.returns import take_back
from counsel.archive.sheets import sheets_of
from counsel.core.errors import ConflictError, InvalidError, RefusedError
from counsel.records.models import Item
from counsel.safeguarding.disclosure.approving import Verdict
from tests.conftest import Centre
from tests.services.test_archive import handed, sealed
from tests.services.test_lending import asked, serve
from tests.services.test_power import cut_everywhere
from tests.services.test_volume import closed
from tests.together import together

OLD = OldVolume(2019, "D10", 7, 23, "1架4盒", "纪旧事", date(2004, 5, 1))
TABLE = """年度,保管期限,件号,页数,存放处,姓名,出生日期
2018,10,1,12,1架1盒,纪旧事,2003-01-02
2018,30年,1,40,1架1盒,,
2018,D10,2,9,1架1盒,阮从前,
"""


def entered(centre: Centre, **changes: Any) -> Volume:
    """Entered by the archivist."""
    return enter_paper(centre.db, actor=centre.school["archive"], old=replace(OLD, **changes))


def test_an_old_volume_is_entered_found_and_lent(centre: Centre) -> None:
    """Code and place in the catalogue, the name in the sealed index alone; it is lent on paper, and counted back."""
    volume = entered(centre)
    shen, director = centre.school["archive"], centre.school["director"]
    assert (volume.code, volume.pages, volume.case_id) == ("QZ001-XL·2019-D10-ZX-0007", 23, None)
    assert volume.keep_until == date(2029, 12, 31)
    assert [row.code for row in catalogue(centre.db, actor=shen)] == [volume.code]
    (found,) = search_names(centre.db, actor=shen, wanted="纪旧事", reason="own_request")
    assert (found.volume, found.birth_date) == (volume, "2004-05-01")
    with pytest.raises(RefusedError):
        sheets_of(centre.db, actor=shen, volume_id=volume.volume_id)
    with pytest.raises(InvalidError, match="mode"):
        asked(centre, volume)
    ticket = asked(centre, volume, mode="paper", forms=())
    decide_loan(centre.db, actor=director, ticket=ticket, verdict=Verdict(True))
    serve(centre, ticket, pages=23)
    take_back(centre.db, actor=shen, ticket=ticket, pages=23)
    assert ticket.state == "returned"
    assert check_integrity(centre.db, actor=shen, progress=lambda *_place: None).altered == ()


def test_new_numbers_go_on_from_the_paper(centre: Centre) -> None:
    """The case that is sealed next takes the number after the last on paper, entered or only noted."""
    case = closed(centre)
    assert case.closed_on is not None
    shen, year = centre.school["archive"], case.closed_on.year
    entered(centre, year=year, number=41, born=None)
    go_on_from(centre.db, actor=shen, year=year, retention="D10", number=57)
    with pytest.raises(InvalidError, match="given_already"):
        go_on_from(centre.db, actor=shen, year=year, retention="D10", number=57)
    volume = handed(centre, case)
    sealed(centre, case, volume)
    assert volume.number == 58
    assert entered(centre, year=year, number=12, born=None).number == 12  # an earlier one may still be entered
    with pytest.raises(ConflictError, match="number_taken"):
        entered(centre, year=year, number=58, born=None)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"year": 1900, "born": None}, "year"),
        ({"year": 2999}, "year"),
        ({"retention": "Y"}, "retention"),
        ({"number": 0}, "number"),
        ({"pages": 0}, "pages"),
        ({"place": " "}, "place"),
        ({"place": "x" * 61}, "place"),
        ({"name": "x" * 41}, "name"),
        ({"born": date(2020, 1, 1)}, "birth_date"),
    ],
)
def test_what_cannot_be_stands_beside_its_field(sqlite_centre: Centre, changes: dict[str, Any], field: str) -> None:
    """And nothing is entered."""
    with pytest.raises(InvalidError) as found:
        entered(sqlite_centre, **changes)
    assert set(found.value.problems) == {field} and sqlite_centre.db.scalar(select(Volume.volume_id)) is None


def test_a_table_is_entered_whole_or_not_at_all(centre: Centre) -> None:
    """All rows or none; the same file twice changes nothing; a formula, a second number and a bad cell are named by row."""
    shen, told = centre.school["archive"], list[int]()
    report = import_paper(centre.db, actor=shen, raw=TABLE.encode(), progress=lambda done, _total: told.append(done))
    assert (report.added, report.same, report.problems, told[-1]) == (3, 0, [], 3)
    again = import_paper(centre.db, actor=shen, raw=TABLE.encode("gb18030"))
    assert (again.added, again.same) == (0, 3)
    assert len(search_names(centre.db, actor=shen, wanted="阮从前", reason="inquiry")) == 1
    assert centre.db.scalar(select(func.count()).select_from(Item).where(Item.kind == "index")) == 2
    bad = TABLE + "2018,10,2,9,1架1盒,,\n2018,5,3,9,1架1盒,,\n2018,10,x,9,=A1,,2003\n"
    report = import_paper(centre.db, actor=shen, raw=bad.encode())
    assert {(one.row, one.column, one.code) for one in report.problems} == {
        (5, "number", "volume_twice"),
        (6, "retention", "unknown"),
        (7, "number", "a_number"),
        (7, "place", "formula"),
        (7, "birth_date", "no_date"),
    }
    assert centre.db.scalar(select(func.count()).select_from(Volume)) == 3
    for who in ("lan", "director", "desk", "admin", "teacher", "leader"):
        with pytest.raises(RefusedError):
            import_paper(centre.db, actor=centre.school[who], raw=TABLE.encode())
        with pytest.raises(RefusedError):
            enter_paper(centre.db, actor=centre.school[who], old=OLD)


def test_two_who_enter_the_same_number_at_once(centre: Centre) -> None:
    """One stands, the other is told."""
    shen = centre.school["archive"]
    assert together(centre, lambda db, _n: partial(enter_paper, db, actor=shen, old=OLD)) == ["done", "told"]
    assert centre.db.scalar(select(func.count()).select_from(Volume)) == 1


def test_cut_off_anywhere_a_table_is_whole_or_absent(centre: Centre) -> None:
    """At every write: three volumes with their index, or none."""

    def whole() -> None:
        """Nothing is half there."""
        volumes = centre.db.scalar(select(func.count()).select_from(Volume))
        index = centre.db.scalar(select(func.count()).select_from(Item).where(Item.kind == "index"))
        assert (volumes, index) in ((0, 0), (3, 2))

    cut_everywhere(centre, lambda: import_paper(centre.db, actor=centre.school["archive"], raw=TABLE.encode()), whole)


def test_a_number_of_a_filed_case_is_no_old_volumes(centre: Centre) -> None:
    """The table says so in its row, and nothing is entered."""
    case = closed(centre)
    volume = handed(centre, case)
    sealed(centre, case, volume)
    row = f"{volume.year},{volume.retention},{volume.number},9,1架1盒,,"
    report = import_paper(centre.db, actor=centre.school["archive"], raw=f"{TABLE}{row}\n".encode())
    assert [(one.row, one.column, one.code) for one in report.problems] == [(5, "number", "number_taken")] and report.added == 0
