"""The lock store: 32 bytes per box in a database of its own, mixed into every blob; erasing one destroys its box.

Never in the database's backups, never cached. Order: the lock is durable before the row that needs it (design §2).
"""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import Column as C
from sqlalchemy import Date, LargeBinary, MetaData, Table, Uuid, bindparam, delete, insert, select

from counsel.core.clock import now
from counsel.core.database import House
from counsel.core.errors import UnreadableError
from counsel.core.rows import Prepared
from counsel.crypto.derive import new_key

_METADATA = MetaData()
LOCKS = Table("locks", _METADATA, C("lock_id", Uuid, primary_key=True), C("secret", LargeBinary, nullable=False))
TOMBSTONES = Table("tombstones", _METADATA, C("lock_id", Uuid, primary_key=True), C("erased_on", Date, nullable=False))
THOSE = select(LOCKS.c.lock_id, LOCKS.c.secret).where(LOCKS.c.lock_id.in_(bindparam("ids", expanding=True)))
THAT = Prepared(select(LOCKS.c.secret).where(LOCKS.c.lock_id == bindparam("id")))


def prepare_store(house: House) -> None:
    """Make the tables of the lock store where they are missing."""
    _METADATA.create_all(house.locks)


def make_locks(house: House, ids: Iterable[UUID]) -> dict[UUID, bytes]:
    """Make one lock per id, durable when this returns. A lock whose row never follows is harmless."""
    made = {lock_id: new_key() for lock_id in ids}
    if made:
        with house.locks.begin() as store:
            store.execute(insert(LOCKS), [{"lock_id": key, "secret": value} for key, value in made.items()])
    return made


def read_locks(house: House, ids: Iterable[UUID]) -> dict[UUID, bytes]:
    """Return the locks that exist; an erased one is simply absent."""
    with house.locks.connect() as store:
        return {row.lock_id: row.secret for row in store.execute(THOSE, {"ids": list(ids)})}


def read_lock(house: House, lock_id: UUID) -> bytes:
    """Return one lock.

    :raises UnreadableError: when it was erased or never made.
    """
    with house.locks.connect() as store:
        found = THAT.rows(store, {"id": lock_id})
    if not found:
        raise UnreadableError("no lock")
    return bytes(found[0].secret)


def erase_lock(house: House, lock_id: UUID) -> None:
    """Destroy: tombstone first, then the lock, then make sure no page of the file keeps it."""
    with house.locks.begin() as store:
        if store.execute(select(TOMBSTONES).where(TOMBSTONES.c.lock_id == lock_id)).first() is None:
            store.execute(insert(TOMBSTONES).values(lock_id=lock_id, erased_on=now().date()))
        store.execute(delete(LOCKS).where(LOCKS.c.lock_id == lock_id))
    if house.locks.dialect.name == "sqlite":
        with house.locks.connect() as store:
            store.rollback()
            store.connection.driver_connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()  # type: ignore[union-attr]


def apply_tombstones(house: House) -> int:
    """Erase locks that a restored copy brought back although they were destroyed; return how many."""
    with house.locks.begin() as store:
        dead = select(TOMBSTONES.c.lock_id)
        return store.execute(delete(LOCKS).where(LOCKS.c.lock_id.in_(dead))).rowcount
