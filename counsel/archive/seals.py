"""Each opening of a sealed volume makes a new seal with its reason (篇4 三; R4-07; domain §5.5)."""

from collections.abc import Mapping

from sqlalchemy.orm import Session

from counsel.archive.escrow import shut
from counsel.archive.models import Volume
from counsel.keys.bundle import Keyring
from counsel.keys.rotation import open_for_writing, rotate
from counsel.pathway.cases.models import Case
from counsel.records.services import newest_number, write_signed

OPENING = "opening"


def seal_anew(db: Session, *, keyring: Keyring, volume: Volume, case: Case | None, why: Mapping[str, object]) -> None:
    """Give the boxes of a filed case a new epoch and write down why the seal was broken, inside the caller's transaction.

    :param case: whose boxes were opened; None when only paper went out.
    :param why: reader, purpose, until when it was open and when it came back.
    """
    if case is not None:
        shut(db, case, on=False)
        for box_id in (case.box_id, case.shared_box_id):
            rotate(db, keyring, box_id)
        shut(db, case, on=True)
    box = open_for_writing(db, keyring, volume.box_id)
    number = 1 + newest_number(db, box.box_id, OPENING)
    write_signed(db, box=box, kind=OPENING, keyring=keyring, content=why, number=number)
