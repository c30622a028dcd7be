"""Codes, rules and notices as versions; credentials and education as dated logs."""

from datetime import date

import pytest

from counsel.core.errors import InvalidError, NotFoundError, TransitionError
from counsel.pathway.intake.consent import consent_version, present_consent, record_consent
from counsel.pathway.sessions.services import begin_session
from counsel.people.models import Education
from counsel.people.rule_texts import acknowledge_rule, publish_rule, rules_waiting
from counsel.people.staff import expiring, record_credential, record_education
from counsel.roster.queries import free_slots, unfilled_duties
from counsel.roster.services import set_duty
from tests.conftest import Centre
from tests.story import consent_content, in_counselling, open_the_centre, received

TEXT = {"clause": "篇9 一", "title_zh": "守则", "title_en": "Code", "text_zh": "新", "text_en": "New", "roles": "counsellor"}


def test_a_rule_is_acknowledged_by_version_and_asked_again_when_it_changes(centre: Centre) -> None:
    """R5-02, R9-01, R6-03, R7-04, R8-01: everybody's own acknowledgement of each version, kept."""
    lan = centre.school["lan"]
    waiting = {rule.code: rule.version for rule in rules_waiting(centre.db, actor=lan)}
    assert {"counsellor_code", "centre_rules", "counselling_principles", "warmth", "attitude"} == set(waiting)
    for code, version in waiting.items():
        acknowledge_rule(centre.db, actor=lan, code=code, version=version)
    assert rules_waiting(centre.db, actor=lan) == []
    publish_rule(centre.db, "counsellor_code", TEXT)
    assert [(rule.code, rule.version) for rule in rules_waiting(centre.db, actor=lan)] == [("counsellor_code", 2)]
    with pytest.raises(NotFoundError):
        acknowledge_rule(centre.db, actor=lan, code="counsellor_code", version=1)


def test_the_administrator_is_asked_only_what_concerns_everybody(centre: Centre) -> None:
    """Rules name the roles they are for."""
    assert [rule.code for rule in rules_waiting(centre.db, actor=centre.school["admin"])] == ["centre_rules"]


def test_a_new_consent_text_is_explained_again_before_the_next_session(centre: Centre) -> None:
    """R4-01, R4-02: no session under an old version; the old acknowledgement stays with its version."""
    open_the_centre(centre)
    case = in_counselling(centre)
    old = present_consent(centre.db, case)
    publish_rule(centre.db, "informed_consent", {**TEXT, "roles": "client"})
    assert (consent_version(centre.db), present_consent(centre.db, case)) == (2, None)
    lan = centre.school["lan"]
    with pytest.raises(TransitionError, match="G2"):
        begin_session(centre.db, actor=lan, case=case, mode="in_person", minutes=50, crisis=True)
    record_consent(centre.db, actor=lan, case=case, content=consent_content())
    new = present_consent(centre.db, case)
    assert old is not None and new is not None and (old.version, new.version) == (1, 2)
    assert begin_session(centre.db, actor=lan, case=case, mode="in_person", minutes=50, crisis=True).number == 1


def test_a_consent_needs_every_point_and_its_way(centre: Centre) -> None:
    """Limits one by one, an emergency contact, and for paper the place where it lies."""
    open_the_centre(centre)
    case = received(centre)
    with pytest.raises(InvalidError) as caught:
        record_consent(centre.db, actor=centre.school["lan"], case=case, content={"points": ["EX1"], "way": "on_paper"})
    assert set(caught.value.problems) == {"points", "sheet_place", "emergency_contact", "guardian"}


def test_a_counsellor_without_a_valid_credential_gets_no_duty_and_no_time(centre: Centre) -> None:
    """R6-02: assigned nothing; and duties that nobody may fill are shown."""
    open_the_centre(centre)
    director = centre.school["director"]
    with pytest.raises(InvalidError, match="no_credential"):
        set_duty(centre.db, actor=director, weekday=0, half="morning", holder_id=director.holder_id)
    assert unfilled_duties(centre.db) == []
    set_duty(centre.db, actor=director, weekday=0, half="morning", holder_id=None)
    assert unfilled_duties(centre.db) == [(0, "morning")]
    assert free_slots(centre.db, date(2200, 1, 6)) == []


def test_credentials_and_education_are_dated_entries(centre: Centre) -> None:
    """R7-01, R5-09, R8-16: recorded per person; a credential that ends soon is shown."""
    director, lan = centre.school["director"], centre.school["lan"]
    assert lan.staff_id is not None and lan.holder_id is not None
    record_education(centre.db, actor=director, staff_id=lan.staff_id, topic="伦理", minutes=90, on_date=date(2026, 11, 1))
    assert centre.db.query(Education).filter_by(staff_id=lan.staff_id).one().minutes == 90
    paper = {"name": "证", "issuer": "某会", "number": "1", "areas": "P01", "valid_from": date(2020, 1, 1)}
    record_credential(centre.db, actor=director, holder_id=lan.holder_id, valid_to=date(2021, 1, 1), **paper)
    assert [row.valid_to for row in expiring(centre.db)] == [date(2021, 1, 1)]
    with pytest.raises(InvalidError):
        record_credential(centre.db, actor=director, holder_id=lan.holder_id, valid_to=date(2019, 1, 1), **paper)
