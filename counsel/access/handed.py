"""For somebody without an account: a code given by telephone, and the last digits of the number that was rung.

Both together open the keys of a holder that was made for one thing alone.
"""

from collections.abc import Callable
from typing import Any, Protocol, TypeVar
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from counsel.access.throttling import count_failure, waits_until
from counsel.core.database import house_of, writing
from counsel.core.errors import ConflictError, NotFoundError, UnreadableError
from counsel.core.ids import new_id
from counsel.crypto.codes import code_keys
from counsel.crypto.derive import mac, subkey
from counsel.keys.bundle import Keyring, new_keyring, open_bundle, seal_bundle
from counsel.keys.models import Holder

ADDRESS_TRIES = 30


class Handed(Protocol):
    """A row that a code opens. `tries`: wrong digits so far; the code dies when there are too many."""

    code_finder: Any
    code_sealed: Any
    tries: Any


Row = TypeVar("Row", bound=Handed)


def seal_under_code(db: Session, row: Handed, item_id: UUID, copy: str, *, code: str, digits: str) -> Holder:
    """Make a holder whose keys open with the code and the digits, and return its public half.

    :param copy: what kind of thing it is, so that no code opens another kind.
    """
    finder, key = code_keys(code)
    keyring = new_keyring(new_id())
    row.code_finder, row.tries = finder, 0
    row.code_sealed = seal_bundle(house_of(db), item_id, mac(key, digits.encode()), keyring, copy)
    public = {"kem_public": keyring.kem_public, "sign_public": keyring.sign_public}
    holder = Holder(holder_id=keyring.holder_id, version=keyring.version, kind="code", **public)
    db.add(holder)
    db.flush()
    return holder


def find_by_code(
    db: Session,
    model: type[Row],
    copy: str,
    *,
    code: str,
    digits: str,
    address: str,
    id_of: Callable[[Row], UUID],
    stands: Callable[[Row], bool],
) -> tuple[Row, Keyring]:
    """Return the row of a code, with the keys that open it; five wrong digits end the code.

    :raises NotFoundError: unknown, used up, over, taken back, or the wrong digits; nobody learns which.
    :raises ConflictError: ``wait``, after too many unknown codes from one address.
    """
    counted = [(mac(subkey(house_of(db).secret, "throttle"), copy.encode(), address.encode()), ADDRESS_TRIES)]
    if waits_until(db, counted) is not None:
        raise ConflictError("wait")
    try:
        finder, key = code_keys(code)
    except ValueError as error:
        raise NotFoundError(copy) from error
    row = db.scalar(select(model).where(model.code_finder == finder))
    if row is None or not stands(row) or row.tries >= house_of(db).settings.disclosure_tries_limit:
        count_failure(db, counted)
        raise NotFoundError(copy)
    try:
        return row, open_bundle(house_of(db), id_of(row), mac(key, digits.encode()), row.code_sealed, copy)
    except UnreadableError as error:
        with writing(db):
            db.refresh(row, with_for_update=True)
            row.tries += 1
        count_failure(db, counted)
        raise NotFoundError(copy) from error
