"""Rows found by their key: the same answers as SQLAlchemy's own, whatever the row's state in the session (core/rows)."""

from uuid import uuid4

import pytest
from sqlalchemy import bindparam, column, delete, event, inspect, select, table, text, update
from sqlalchemy.exc import DBAPIError, InvalidRequestError

from counsel.audit.models import AuditHead
from counsel.core.database import Base, writing
from counsel.core.errors import BusyError
from counsel.core.rows import Change, Prepared
from counsel.roster.models import Room
from tests.conftest import Centre
from tests.story import in_counselling, open_the_centre, record_crisis

THIS = Room.room_id == bindparam("room")
NAMED, ROOMS = Prepared(select(Room.name).where(THIS)), Prepared(select(Room).where(THIS))
RENAME = Change(update(Room).where(THIS).values(name=bindparam("new")))


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


def test_every_table_reads_as_sqlalchemy_reads_it(centre: Centre) -> None:
    """All columns of every row of the school, in value and type: what a driver gives is what Python has."""
    open_the_centre(centre)
    case = in_counselling(centre)
    record_crisis(centre, case)
    read = 0
    for mapper in Base.registry.mappers:
        with centre.session() as ours, centre.session() as theirs:
            query = select(mapper.class_).order_by(*mapper.primary_key)
            columns = [column.key for column in mapper.column_attrs]
            mine, other = Prepared(query).all(ours), theirs.scalars(query).all()
            for one, same in zip(mine, other, strict=True):
                values = [(getattr(one, name), getattr(same, name)) for name in columns]
                assert [left for left, _right in values] == [right for _left, right in values], mapper
                assert [type(left) for left, _right in values] == [type(right) for _left, right in values], mapper
                assert one in ours and not ours.dirty
                read += 1
    assert read > 100


def test_an_object_that_was_read_lives_like_any_other(centre: Centre) -> None:
    """It is changed, expires with a rollback, is read anew, and is deleted; the session holds one of it, never two."""
    key = a_room(centre).room_id
    with centre.session() as db:
        room = ROOMS.first(db, room=key)
        assert ROOMS.first(db, room=key) is room and db.get_one(Room, key) is room
        with writing(db):
            ROOMS.first(db, room=key).name = "改过"
        room.name = "不算"
        db.rollback()
        assert inspect(room).expired and room.name == "改过"
        behind(centre, room, name="别处改的")
        db.commit()
        assert ROOMS.first(db, room=key).name == "改过"  # held as it was read, like SQLAlchemy's own
        assert ROOMS.first(db, anew=True, room=key).name == "别处改的"
        with writing(db):
            db.delete(ROOMS.first(db, room=key))
        assert ROOMS.first(db, room=key) is None


def test_a_change_says_how_many_rows_it_touched(centre: Centre) -> None:
    """Nothing is written that cannot be seen: the rest of the house listens to statements by the same event."""
    key, said = a_room(centre).room_id, list[str]()
    engine = centre.db.get_bind()
    listen = (engine, "before_cursor_execute", lambda _c, _cursor, text, *_more: said.append(text))
    event.listen(*listen)
    try:
        with writing(centre.db):
            assert RENAME.run(centre.db, room=key, new="新名") == 1
            assert RENAME.run(centre.db, room=uuid4(), new="没有") == 0
    finally:
        event.remove(*listen)
    assert sum("UPDATE rooms" in text for text in said) == 2
    assert NAMED.value(centre.db, room=key) == "新名"


def test_what_goes_wrong_is_said_as_ever(centre: Centre) -> None:
    """An error of the driver's is SQLAlchemy's, a list without a fixed length is no fixed question."""
    nowhere = Prepared(select(column("nothing")).select_from(table("nowhere")))
    with pytest.raises(DBAPIError):
        nowhere.first(centre.db)
    centre.db.rollback()
    for question in (Prepared(select(Room.name).where(Room.name.in_(["一号"]))), ROOMS):  # a list; a place without a value
        with pytest.raises(AssertionError):
            question.all(centre.db)


def test_a_connection_that_is_lost_is_given_up(pg_centre: Centre) -> None:
    """Whoever waits is told to try again, and the session closes in peace."""
    key = a_room(pg_centre).room_id
    with pg_centre.session() as db:
        with pytest.raises(BusyError), writing(db):
            pid = db.scalar(text("SELECT pg_backend_pid()"))
            with pg_centre.session() as other:
                other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
            ROOMS.first(db, room=key)
        db.rollback()
        assert ROOMS.first(db, room=key).room_id == key
