"""The school founded through the real services, on both databases."""

from sqlalchemy import select

from counsel.access.models import Account
from counsel.keys.groups import members_of
from counsel.people.models import Student
from tests.conftest import Centre


def test_school_is_founded(centre: Centre) -> None:
    """Every role is there, and the groups hold exactly those whose role allows it."""
    school = centre.school
    office = {school[who].holder_id for who in ("director", "lan", "qiu", "desk")}
    assert members_of(centre.db, "office") == office
    assert members_of(centre.db, "duty") == {school[who].holder_id for who in ("director", "lan", "qiu")}
    assert members_of(centre.db, "archive") == {school["archive"].holder_id}
    assert len(centre.db.scalars(select(Student)).all()) == 4
    assert all(row.holder_id is None for row in centre.db.scalars(select(Account)) if row.kind == "student")
