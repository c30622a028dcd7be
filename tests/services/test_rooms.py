"""Only the centre's counsellors are alone in a room; everybody else stands in the log, with who stayed with them (篇8 十二)."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from counsel.app import create_app
from counsel.audit.models import AuditLine
from counsel.core.database import writing
from counsel.core.errors import ConflictError, InvalidError, NotFoundError, RefusedError
from counsel.core.ids import new_id
from counsel.people.models import Credential
from counsel.roster.models import Room, RoomVisit
from counsel.roster.visits import begin_visit, end_visit, visits
from counsel.web.page import COOKIE
from tests.conftest import Centre
from tests.story import open_the_centre
from tests.together import together

FIRM = "门窗维修公司"


def come(centre: Centre, login: str = "desk", **changes: Any) -> RoomVisit:
    """Somebody mends the window, a counsellor beside them."""
    room = centre.db.scalars(select(Room.room_id).order_by(Room.name)).first()
    place = {"room_id": room, "who": "repair", "words": FIRM, "escort_id": centre.school["lan"].holder_id, **changes}
    return begin_visit(centre.db, actor=centre.school[login], **place)


def test_a_visitor_comes_with_a_counsellor_and_leaves(centre: Centre) -> None:
    """Both moments stand in the log, once; who it was lies sealed; the audit line has codes."""
    open_the_centre(centre)
    row = come(centre)
    (one,) = visits(centre.db, actor=centre.school["lan"])
    assert (one.words, one.row.who, one.row.left_at) == (FIRM, "repair", None)
    assert FIRM.encode() not in row.words_sealed
    end_visit(centre.db, actor=centre.school["director"], visit_id=row.visit_id)
    assert row.left_at is not None and row.left_at >= row.came_at
    with pytest.raises(ConflictError):
        end_visit(centre.db, actor=centre.school["desk"], visit_id=row.visit_id)
    lines = centre.db.scalars(select(AuditLine).where(AuditLine.object_id == row.visit_id).order_by(AuditLine.seq)).all()
    assert [(line.tag, line.detail) for line in lines] == [("roster:visit:begun", "repair"), ("roster:visit:ended", "")]


def test_nobody_else_is_alone_in_a_room(centre: Centre) -> None:
    """Without a counsellor of the centre beside them nothing is written: the desk, a dead certificate, nobody at all."""
    open_the_centre(centre)
    for escort in (None, new_id(), centre.school["desk"].holder_id, centre.school["archive"].holder_id):
        with pytest.raises(InvalidError) as found:
            come(centre, escort_id=escort)
        assert found.value.problems == {"escort": "nobody_beside"}
    with pytest.raises(InvalidError) as found:
        come(centre, room_id=new_id(), who="client", words=" " * 3)
    assert set(found.value.problems) == {"room", "who", "words"}
    with pytest.raises(InvalidError, match="words"):
        come(centre, words="长" * 61)
    with writing(centre.db):
        centre.db.execute(delete(Credential).where(Credential.holder_id == centre.school["lan"].holder_id))
    with pytest.raises(InvalidError, match="escort"):
        come(centre)  # a counsellor without a valid certificate
    assert visits(centre.db, actor=centre.school["desk"]) == []


def test_who_is_inside_stands_first(centre: Centre) -> None:
    """Open lines before closed ones, the newest first."""
    open_the_centre(centre)
    first = come(centre, words="甲")
    end_visit(centre.db, actor=centre.school["desk"], visit_id=come(centre, words="乙").visit_id)
    assert [one.words for one in visits(centre.db, actor=centre.school["desk"])] == ["甲", "乙"]
    end_visit(centre.db, actor=centre.school["desk"], visit_id=first.visit_id)
    with pytest.raises(NotFoundError):
        end_visit(centre.db, actor=centre.school["desk"], visit_id=new_id())


@pytest.mark.parametrize("who", ["archive", "admin", "teacher", "leader", "manager", "expert", "supervisor", "S2024001"])
def test_nobody_else_keeps_or_reads_the_log(centre: Centre, who: str) -> None:
    """Reading, writing and ending are refused."""
    open_the_centre(centre)
    row = come(centre)
    for act in (
        lambda: visits(centre.db, actor=centre.school[who]),
        lambda: come(centre, who),
        lambda: end_visit(centre.db, actor=centre.school[who], visit_id=row.visit_id),
    ):
        with pytest.raises(RefusedError):
            act()
    assert row.left_at is None


def test_two_who_write_the_leaving_at_once(centre: Centre) -> None:
    """One writes it, the other is told."""
    open_the_centre(centre)
    visit_id = come(centre).visit_id

    def leave(db: Session, number: int) -> Callable[[], object]:
        return partial(end_visit, db, actor=centre.school[("lan", "desk")[number]], visit_id=visit_id)

    assert together(centre, leave) == ["done", "told"]


def test_a_line_that_does_not_open_hides_no_other(centre: Centre) -> None:
    """Somebody put another line's words in its place: a mark, and the rest stands."""
    open_the_centre(centre)
    one, other = come(centre, words="甲"), come(centre, words="乙")
    one.words_sealed = other.words_sealed
    centre.db.commit()
    assert sorted(line.words for line in visits(centre.db, actor=centre.school["desk"])) == ["?", "乙"]


def test_the_page_keeps_what_was_typed_and_says_why(sqlite_centre: Centre) -> None:
    """Nobody chosen: the sentence stands beside the field, and the firm's name is still there."""
    open_the_centre(sqlite_centre)
    client = create_app(sqlite_centre.settings).test_client()
    client.set_cookie(COOKIE, sqlite_centre.school["desk"].token)
    page = client.get("/rooms/visits").get_data(as_text=True)
    token = page.split('name="csrf_token" value="')[1].split('"')[0]
    room = sqlite_centre.db.scalars(select(Room.room_id)).first()
    assert room is not None
    form = {"csrf_token": token, "room": room.hex, "who": "repair", "words": FIRM, "escort": ""}
    answer = client.post("/rooms/visits", data=form)
    assert answer.status_code == 422 and FIRM in answer.text and 'id="escort-error"' in answer.text
    form["escort"] = sqlite_centre.school["lan"].holder_id.hex  # type: ignore[union-attr]
    assert client.post("/rooms/visits", data=form).status_code == 303
    assert FIRM in client.get("/rooms/visits").text
