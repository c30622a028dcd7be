"""The demonstration's archive: volumes on the shelf and on their way, one that is read, one asker who never gets one."""

from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from counsel.archive.completeness import lacking
from counsel.archive.hand_over import accept, hand_in, read_manifest
from counsel.archive.lending import Wish, ask_loan, decide_loan
from counsel.archive.manifest import entries_in
from counsel.archive.models import Volume
from counsel.archive.reading import serve_loan
from counsel.archive.retention import NEVER_FILED, proposed
from counsel.core.clock import as_of, at_local
from counsel.core.database import house_of
from counsel.home.demo_story import Demo
from counsel.pathway.cases.models import Case
from counsel.safeguarding.asked.services import answer_enquiry
from counsel.safeguarding.disclosure.approving import Verdict

SHELF, PAGES = 2, 14


def file_and_lend(db: Session, demo: Demo, step: Callable[[], None]) -> None:
    """Hand in what is complete: two volumes are sealed, the third waits to be counted; the first is read on consent."""
    volumes = [volume for case in _complete(db, demo)[: SHELF + 1] if (volume := _handed_in(db, demo, case)) is not None]
    for volume in volumes[:SHELF]:
        _sealed(db, demo, volume)
    if volumes:
        _lent(db, demo, volumes[0])
    answer_enquiry(db, actor=demo["desk"], who="class_teacher", what="file")
    step()


def _complete(db: Session, demo: Demo) -> list[Case]:
    closed = select(Case).where(Case.state == "closed", Case.close_reason != NEVER_FILED).order_by(Case.case_no)
    counsellors = {actor.holder_id: actor for name, actor in ((name, demo[name]) for name in ("zhou", "chen", "lin"))}
    rows = [case for case in db.scalars(closed).all() if case.counsellor_id in counsellors]
    return [case for case in rows if not lacking(db, actor=counsellors[case.counsellor_id], case=case)]


def _handed_in(db: Session, demo: Demo, case: Case) -> Volume | None:
    assert case.closed_on is not None
    with as_of(at_local(case.closed_on + timedelta(days=9), 10 * 60, house_of(db).settings.time_zone)):
        actor = next(demo[name] for name in ("zhou", "chen", "lin") if demo[name].holder_id == case.counsellor_id)
        return hand_in(db, actor=actor, case=case, pages=PAGES, retention=proposed(db, case), remark="签字页在内")


def _sealed(db: Session, demo: Demo, volume: Volume) -> None:
    case = db.get_one(Case, volume.case_id)
    counted = [entry.item for entry in entries_in(read_manifest(db, actor=demo["shen"], volume=volume))]
    place = {"counted": counted, "pages": PAGES, "place": "3架1盒"}
    accept(db, actor=demo["shen"], volume=volume, case=case, **place)  # type: ignore[arg-type]


def _lent(db: Session, demo: Demo, volume: Volume) -> None:
    outside = demo["supervisor"]
    place = {"code": volume.code or "", "basis": "consent", "mode": "screen", "purpose": "个案督导，一次"}
    how = {"forms": ("F05", "F10"), "reader_id": outside.holder_id, "way": "paper", "place": "2号柜"}
    ticket = ask_loan(db, actor=demo["zhou"], wish=Wish(**place, applicant=f"{outside.name}，督导", **how))  # type: ignore[arg-type]
    decide_loan(db, actor=demo["gu"], ticket=ticket, verdict=Verdict(True))
    serve_loan(db, actor=demo["shen"], ticket=ticket)
