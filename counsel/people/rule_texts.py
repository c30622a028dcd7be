"""Codes and rules as rows, and each person's acknowledgement of the version they read (篇5 2; R5-02, R9-01)."""

import csv
from importlib.resources import files

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from counsel.access.gate import require
from counsel.access.sign_ins import SignedIn
from counsel.audit.chain import recording
from counsel.confidentiality.permissions import Permission
from counsel.core.clock import now, today
from counsel.core.database import house_of, writing
from counsel.core.errors import NotFoundError
from counsel.people.models import Acknowledgement, RuleText


def publish_first_rules(db: Session) -> None:
    """Put the rules that ship with the product into the centre; a centre changes them by publishing a next version."""
    with files("counsel.data").joinpath("rules.csv").open("r", encoding="utf-8") as source:
        for row in csv.DictReader(source):
            publish_rule(db, row["code"], row)


def publish_rule(db: Session, code: str, fields: dict[str, str]) -> RuleText:
    """Publish the next version of a rule; everybody it concerns is asked again."""
    newest = db.scalar(select(func.max(RuleText.version)).where(RuleText.code == code)) or 0
    names = ("clause", "title_zh", "title_en", "text_zh", "text_en", "roles")
    since = today(house_of(db).settings.time_zone)
    rule = RuleText(code=code, version=newest + 1, since=since, **{name: fields[name] for name in names})
    with writing(db):
        db.add(rule)
    return rule


def rules_waiting(db: Session, *, actor: SignedIn) -> list[RuleText]:
    """Return the newest rules that concern the actor's role and that the actor has not acknowledged."""
    newest = select(RuleText.code, func.max(RuleText.version).label("version")).group_by(RuleText.code).subquery()
    rows = db.scalars(select(RuleText).join(newest, (RuleText.code == newest.c.code) & (RuleText.version == newest.c.version)))
    read = {
        (row.code, row.version) for row in db.scalars(select(Acknowledgement).where(Acknowledgement.staff_id == actor.staff_id))
    }
    return [
        row for row in rows if (row.roles == "all" or actor.role in row.roles.split(",")) and (row.code, row.version) not in read
    ]


def acknowledge_rule(db: Session, *, actor: SignedIn, code: str, version: int) -> None:
    """Record that the actor has read this version.

    :raises NotFoundError: when it is not a version that waits for the actor.

    Records: ``people:rule:acknowledged``. Rule: 篇5 2, 篇9 一1.
    """
    require(db, actor, Permission.ACKNOWLEDGE)
    if (code, version) not in {(rule.code, rule.version) for rule in rules_waiting(db, actor=actor)}:
        raise NotFoundError("rule")
    with recording(db) as record:
        db.add(Acknowledgement(staff_id=actor.staff_id, code=code, version=version, at=now()))
        record.line("people:rule:acknowledged", role=actor.role, actor_id=actor.staff_id, detail=f"{code} {version}")
