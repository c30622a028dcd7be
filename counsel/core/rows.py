"""Statements that are compiled once and run on the driver's own cursor, and the session that uses them.

Around a statement SQLAlchemy spends three to ten times as long as the database within it. What every page asks is written
down once as `Prepared`, what every save changes as `Change`; whatever is rare goes SQLAlchemy's way.
"""

from collections import namedtuple
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from sqlalchemy import ClauseElement, Connection, Dialect, Select, bindparam, inspect, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Mapper, Session
from sqlalchemy.orm.attributes import set_committed_value

PLAIN = (None, False, True)
Convert = Callable[[Any], Any]


class _Plan:
    """A statement in the words of one dialect: its text, and how values go in."""

    def __init__(self, statement: ClauseElement, dialect: Dialect) -> None:
        compiled: Any = statement.compile(dialect=dialect)
        assert not any(bind.expanding for bind in compiled.binds.values()), "a list of any length has no fixed text"
        self.text, self._order, self._given = str(compiled), compiled.positiontup, dict(compiled.params)
        impls = {name: bind.type.dialect_impl(dialect) for name, bind in compiled.binds.items()}
        self._into = {name: impl.bind_processor(dialect) for name, impl in impls.items()}
        self._needed = {name for name, bind in compiled.binds.items() if bind.required}

    def values(self, place: Mapping[str, Any]) -> Any:
        """Return the values as the driver takes them."""
        assert self._needed <= place.keys(), "a place without a value"
        values = {name: _through(self._into[name], value) for name, value in {**self._given, **place}.items()}
        return tuple([values[name] for name in self._order]) if self._order is not None else values


def _through(convert: Convert | None, value: Any) -> Any:
    return value if convert is None else convert(value)


def _write_waiting(db: Session) -> None:
    if db.autoflush:
        db.flush()


class _Kept:
    """A statement with places for values (`bindparam`), compiled once for each dialect."""

    def __init__(self, statement: ClauseElement) -> None:
        self._statement, self._plans = statement, dict[str, _Plan]()

    def _plan(self, dialect: Dialect) -> _Plan:
        if dialect.name not in self._plans:
            self._plans[dialect.name] = _Plan(self._statement, dialect)
        return self._plans[dialect.name]


class Change(_Kept):
    """A change that is made again and again; changes that wait in the session are written first."""

    def run(self, db: Session, **place: Any) -> int:
        """Make it; return how many rows it touched."""
        _write_waiting(db)
        connection = db.connection()
        plan = self._plan(connection.dialect)
        return connection.exec_driver_sql(plan.text, plan.values(place)).rowcount


class Prepared(_Kept):
    """A question that is asked again and again: for rows, or for the objects of one table.

    Changes that wait in the session are written first; an object that the session holds already is left as it is.
    """

    def __init__(self, query: Select[*tuple[Any, ...]]) -> None:
        super().__init__(query)
        first, columns = query.column_descriptions[0], list(query.selected_columns)
        self._mapper: Mapper[Any] | None = inspect(first["expr"]) if isinstance(first["expr"], type) else None
        names = [column.key or "" for column in columns]
        if self._mapper is not None:
            names = [self._mapper.get_property_by_column(column).key for column in columns]
        row: Any = namedtuple("Row", names, rename=True)  # type: ignore[misc]
        self._make: Convert = row._make
        self._types, self._converts = [column.type for column in columns], dict[str, list[tuple[int, Convert]]]()

    def rows(self, connection: Connection, place: Mapping[str, Any]) -> list[Any]:
        """Return the rows that are found, with the columns' names.

        :raises DBAPIError: as SQLAlchemy would.
        """
        dialect, plan = connection.dialect, self._plan(connection.dialect)
        driver: Any = connection.connection.driver_connection
        try:
            found = driver.execute(plan.text, plan.values(place)).fetchall()
        except dialect.loaded_dbapi.Error as error:
            raise _said_as_ever(connection, plan.text, error) from error
        return self._converted(dialect, found)

    def _converted(self, dialect: Dialect, found: list[tuple[Any, ...]]) -> list[Any]:
        """Give every column the type that Python has for it; most need nothing done."""
        converts = self._converts.get(dialect.name)
        if converts is None:
            out = [kind.dialect_impl(dialect).result_processor(dialect, None) for kind in self._types]
            converts = self._converts[dialect.name] = [(at, into) for at, into in enumerate(out) if into is not None]
        rows = [list(row) for row in found]
        for row in rows:
            for at, into in converts:
                row[at] = into(row[at])
        return [self._make(row) for row in rows]

    def all(self, db: Session, *, anew: bool = False, **place: Any) -> list[Any]:
        """Return what is found: rows, or objects of the session; `anew` overwrites what the session knows of them."""
        _write_waiting(db)
        found = self.rows(db.connection(), place)
        return found if self._mapper is None else [_object(db, self._mapper, row, anew) for row in found]

    def first(self, db: Session, *, anew: bool = False, **place: Any) -> Any:
        """Return the first that is found, or None."""
        found = self.all(db, anew=anew, **place)
        return found[0] if found else None

    def value(self, db: Session, **place: Any) -> Any:
        """Return the first column of the first row, or None."""
        found = self.all(db, **place)
        return found[0][0] if found else None


def _said_as_ever(connection: Connection, text: str, error: Exception) -> Exception:
    """Return the driver's error as SQLAlchemy's; a connection that is gone is given up, so that the session can be closed."""
    dialect, driver = connection.dialect, connection.connection.driver_connection
    gone = dialect.is_disconnect(error, driver, None)  # type: ignore[arg-type]
    if gone:
        connection.invalidate(error)
    return DBAPIError.instance(text, None, error, dialect.loaded_dbapi.Error, True, gone)


def _object(db: Session, mapper: Mapper[Any], row: Any, anew: bool) -> Any:
    """Return the session's object of a row: a new one, or the one it holds, read again when it is to be or has expired."""
    values = row._asdict()
    key = mapper.identity_key_from_primary_key(tuple(values[name] for name in _key_names(mapper)))
    known = db.identity_map.get(key)
    if known is None:
        known = mapper.class_manager.new_instance()
        vars(known).update(values)
        state = inspect(known)
        state.key, state.session_id = key, db.hash_key
        db.identity_map.add(state)
    elif anew or inspect(known).expired:
        for name, value in values.items():
            set_committed_value(known, name, value)
    return known


@lru_cache(maxsize=256)
def _key_names(mapper: Mapper[Any]) -> list[str]:
    return [mapper.get_property_by_column(column).key for column in mapper.primary_key]


@lru_cache(maxsize=512)
def _by_key(table: Any, lock: bool) -> Prepared:
    """The question for a row by ``key_0``, ``key_1``, …, which holds it for an update when it is to be locked."""
    columns = inspect(table).primary_key
    query = select(table).where(*(column == bindparam(f"key_{at}") for at, column in enumerate(columns)))
    return Prepared(query.with_for_update() if lock else query)


class RowSession(Session):
    """A session whose `get` and `refresh` do the same as SQLAlchemy's own in a fifth of the time."""

    def get(self, entity: Any, ident: Any, *, with_for_update: Any = None, populate_existing: Any = None, **more: Any) -> Any:
        """Return the row with this key or None; one that the session holds is asked for again only when it expired."""
        place = {"with_for_update": with_for_update, "populate_existing": populate_existing, **more}
        if any(more.values()) or with_for_update not in PLAIN or isinstance(ident, dict):  # `get_one` names them all
            return super().get(entity, ident, **place)
        key = ident if isinstance(ident, tuple) else (ident,)
        known = self.identity_map.get(inspect(entity).identity_key_from_primary_key(key))
        if known is not None and not (populate_existing or with_for_update or inspect(known).expired):
            return known
        found = self._by(entity, key, bool(with_for_update), bool(populate_existing))
        return super().get(entity, ident, **place) if found is None and known is not None else found

    def refresh(self, instance: Any, attribute_names: Any = None, with_for_update: Any = None) -> None:
        """Read a row again, and hold it for an update when it is to be locked."""
        state = inspect(instance)
        if attribute_names is not None or with_for_update not in PLAIN or not state.persistent:
            super().refresh(instance, attribute_names, with_for_update)
            return
        if state.modified:
            self.expire(instance)  # what was changed and not written is let go
        if self._by(type(instance), state.identity, bool(with_for_update), True) is not instance:
            super().refresh(instance, attribute_names, with_for_update)  # gone meanwhile: SQLAlchemy says so

    def _by(self, table: Any, key: tuple[Any, ...], lock: bool, anew: bool) -> Any:
        return _by_key(table, lock).first(self, anew=anew, **{f"key_{at}": value for at, value in enumerate(key)})
