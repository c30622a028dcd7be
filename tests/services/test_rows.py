"""Rows found by their key: the same answers as SQLAlchemy's own, whatever the row's state in the session (core/rows)."""

from uuid import uuid4

import pytest
from sqlalchemy import bindparam, delete, inspect, select, update
from sqlalchemy.exc import InvalidRequestError

from counsel.audit.models import AuditHead
from counsel.core.database import writing
from counsel.core.rows import Prepared
from counsel.roster.models import Room
from tests.conftest import Centre

NAMED = Prepared(select(Room.name).where(Room.room_id == bindparam("room")))


def a_room(centre: Centre, name: str = "一号") -> Room:
    """A row that nothing else leans on."""
    room = Room(room_id=uuid4(), name=name)
    with writing(centre.db):
        centre.db.add(room)
    return room


def behind(centre: Centre, room: Room, **values: object) -> None:
    """Change the row in another session; without values take it away."""
    with centre.session() as db, writing(db):
        mine = Room.room_id == room.room_id
        db.execute(update(Room).where(mine).values(**values) if values else delete(Room).where(mine))


def test_a_row_is_found_once_and_asked_for_again_when_told(centre: Centre) -> None:
    """The session's own copy, until it is to be read anew, locked, or has expired."""
    room = a_room(centre)
    db, key = centre.db, room.room_id
    assert db.get(Room, key) is room and db.get(Room, uuid4()) is None
    behind(centre, room, name="二号")
    db.rollback()  # everything expires
    assert inspect(room).expired
    assert db.get(Room, key) is room and room.name == "二号" and not inspect(room).expired
    behind(centre, room, name="三号")
    db.commit()
    assert db.get(Room, key) is room and room.name == "二号"
    assert db.get(Room, key, populate_existing=True) is room and room.name == "三号"
    behind(centre, room, name="四号")
    db.commit()
    assert db.get(Room, key, with_for_update=True, populate_existing=True) is room and room.name == "四号"
    db.commit()


def test_what_was_changed_and_not_yet_written_is_not_lost(centre: Centre) -> None:
    """An expired row that was changed since is written before it is read; a refresh lets the change go, as it always did."""
    room = a_room(centre)
    with writing(centre.db):
        room.name = "新名"
        assert centre.db.get(Room, room.room_id) is room
    assert room.name == "新名"
    room.name = "不要了"
    centre.db.refresh(room)
    assert room.name == "新名" and not centre.db.dirty
    room.name = "也不要"
    centre.db.refresh(room, with_for_update=True)
    assert room.name == "新名"
    centre.db.rollback()


def test_a_row_that_is_gone_is_said_to_be_gone(centre: Centre) -> None:
    """None for a search, an error for a refresh; also when the session still holds it."""
    room, other = a_room(centre), a_room(centre, "二号")
    key = room.room_id
    for one in (room, other):
        behind(centre, one)
    centre.db.expire_all()
    assert centre.db.get(Room, key) is None and centre.db.get(Room, key) is None
    with pytest.raises(InvalidRequestError):
        centre.db.refresh(other)
    with pytest.raises(InvalidRequestError):
        centre.db.refresh(Room(room_id=uuid4(), name="没有写过"))
    centre.db.rollback()


def test_bare_rows_see_what_waits_to_be_written(centre: Centre) -> None:
    """Changes of this transaction come first: a reader added a moment ago is already among the readers."""
    room = Room(room_id=uuid4(), name="刚加")
    with writing(centre.db):
        centre.db.add(room)
        found = NAMED.value(centre.db, room=room.room_id)
        centre.db.delete(room)
        gone = NAMED.first(centre.db, room=room.room_id)
    assert (found, gone) == ("刚加", None)
    assert Prepared(select(AuditHead.seq)).value(centre.db) > 0
    centre.db.rollback()
