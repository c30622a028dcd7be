"""The database: engines for SQLite and PostgreSQL, the fair write queue, the base of all tables, the house."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import DateTime, Engine, LargeBinary, MetaData, create_engine, event
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker
from sqlalchemy.types import TypeDecorator, Uuid

from counsel.core.errors import BusyError, ConflictError, SettingsError
from counsel.core.rows import RowSession
from counsel.core.settings import Settings

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_name)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}


@lru_cache(maxsize=2048)
def _known_id(text: str) -> UUID:
    return UUID(int=int(text, 16))


class Id(Uuid[UUID]):
    """An id. SQLite keeps it as text; the same few are read again and again, so each is parsed once."""

    def result_processor(self, dialect: Any, coltype: object) -> Any:
        """Return what turns a column's value into a UUID, or None where the driver does it."""
        if dialect.supports_native_uuid:
            return None
        return lambda value: None if value is None else _known_id(value)


class Moment(TypeDecorator[datetime]):
    """An aware UTC moment; SQLite keeps it without zone, so the zone is put back on reading."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:
        """Return the value aware, in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:
        """Refuse naive moments; hand SQLite UTC."""
        if value is None:
            return None
        assert value.tzinfo is not None, "a naive moment has no meaning"
        return value.astimezone(UTC)


class Base(DeclarativeBase):
    """Base of every table. `info={"world": …}` on a table names the world its rows belong to (design §2)."""

    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map = {UUID: Id(), bytes: LargeBinary, datetime: Moment}


ACCOUNT_WORLD = {"info": {"world": "account"}, "sqlite_with_rowid": False}
CLIENT_WORLD = {"info": {"world": "client"}}


@dataclass(frozen=True)
class House:
    """What a service may lean on besides its arguments; rides on `db.info["house"]`.

    :param secret: the 32 bytes of the server secret.
    :param installation: 16 bytes that name this installation in every context.
    :param locks: engine of the lock store.
    """

    settings: Settings
    secret: bytes = field(repr=False)
    installation: bytes
    locks: Engine


def house_of(db: Session) -> House:
    """Return the house in which this database session was opened."""
    house: House = db.info["house"]
    return house


def make_engine(url: str) -> Engine:
    """Return an engine with the pragmas and transaction rules of its dialect."""
    if make_url(url).get_backend_name() == "postgresql":
        return create_engine(url, pool_pre_ping=True, hide_parameters=True)
    engine = create_engine(url, hide_parameters=True, connect_args={"timeout": 15, "check_same_thread": False})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None
    for pragma in (
        "page_size = 8192",  # two sealed texts to a page; holds for a new file only
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
        "secure_delete = ON",
        "trusted_schema = OFF",
        "temp_store = MEMORY",
    ):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin_sqlite(connection: Connection) -> None:
    if connection.get_execution_options().get("counsel_write"):
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:  # asks for nothing yet and cannot fail
        connection.connection.driver_connection.execute("BEGIN").close()  # type: ignore[union-attr]


def assert_durable(engine: Engine) -> None:
    """Refuse a SQLite file that could lose an acknowledged commit.

    :raises SettingsError: when `synchronous` is below FULL or the journal is not WAL.
    """
    if engine.dialect.name != "sqlite":
        return
    with engine.connect() as connection:
        level = connection.exec_driver_sql("PRAGMA synchronous").scalar()
        mode = connection.exec_driver_sql("PRAGMA journal_mode").scalar()
    if level != 2 or mode != "wal":
        raise SettingsError(f"SQLite must run with WAL and synchronous=FULL, not {mode} and {level}")


def make_sessions(engine: Engine, house: House) -> sessionmaker[Session]:
    """Return the factory of database sessions of this house."""
    return sessionmaker(engine, class_=RowSession, info={"house": house}, expire_on_commit=False)


@contextmanager
def writing(db: Session) -> Iterator[None]:
    """Run the block in one write transaction: all of it is kept, or nothing.

    On SQLite every writer first queues on a lock file, because SQLite's own busy wait starves writers; an inner use
    joins the outer transaction.

    :raises ConflictError: when somebody wrote the same thing first.
    :raises BusyError: when the database cannot take the change (queue too long, disk full).
    """
    if db.info.get("writing"):
        yield
        return
    assert not (db.new or db.dirty or db.deleted), "changes were made outside the transaction"
    db.rollback()
    with _queue(db.get_bind()):
        db.info["writing"] = True
        try:
            db.connection(execution_options={"counsel_write": True})
            yield
            db.commit()
        except IntegrityError as error:
            db.rollback()
            raise ConflictError("faster") from error
        except OperationalError as error:
            db.rollback()
            raise BusyError(type(error.orig).__name__) from error
        except BaseException:
            db.rollback()
            raise
        finally:
            db.info["writing"] = False


@contextmanager
def _queue(bind: Engine | Connection) -> Iterator[None]:
    path = bind.engine.url.database if bind.dialect.name == "sqlite" else None
    if not path or path == ":memory:":
        yield
        return
    ticket = os.open(f"{path}.queue", os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        fcntl.flock(ticket, fcntl.LOCK_EX)
        yield
    finally:
        os.close(ticket)
