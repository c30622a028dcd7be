"""The case machine against a table written down a second time, by hand: all pairs, all actors, nothing else."""

import pytest

from counsel.pathway.cases.evidence import Evidence
from counsel.pathway.cases.lifecycle import (
    ACTIVE,
    CLIENT,
    CLOSE_REASONS,
    COUNSELLOR,
    DIRECTOR,
    RECEIVER,
    STATES,
    TRANSITIONS,
    WORKING,
    transitions,
)
from counsel.pathway.cases.moving import checked
from counsel.people.models import Client, Student

KNOWN_OF_STUDENTS = {
    "student_id",
    "login_tag",
    "leaves_month",
    "card_box_id",
    "card_sealed",
    "born_tag",
    "content_tag",
    "news_box_id",
    "news_sealed",
    "guardians_box_id",
    "guardians_sealed",
    "guardians_tag",
}
PARTS = (COUNSELLOR, CLIENT, DIRECTOR, RECEIVER)
TABLE = """
T24 - intake counsellor
T00 - assessment counsellor | T00 - planning counsellor | T00 - counselling counsellor | T01 - intake counsellor
T02 intake assessment counsellor | T03 intake closed/out_of_scope counsellor | T04 intake closed/single_session counsellor
T05 working transfer_pending counsellor,client,director | T06 transfer_pending working receiver
T07 transfer_pending working director | T08 transfer_pending closed/transferred_out counsellor
T09 assessment planning counsellor | T10 active-referred_medical referred_medical counsellor
T11 referred_medical assessment counsellor | T11 referred_medical counselling counsellor
T12 referred_medical closed/medical_referral counsellor | T13 planning counselling counsellor
T14 planning closed/no_agreement counsellor | T15 counselling counselling counsellor
T16 counselling planning counsellor | T16 counselling assessment counsellor
T17 working,referred_medical,closing on_hold counsellor | T17 on_hold working,referred_medical,closing counsellor
T18 on_hold closed/lost_contact counsellor | T18 on_hold closed/left_school counsellor
T19 active-closing closing counsellor,client | T20 closing follow_up counsellor | T21 closing closed/withdrawn counsellor
T22 active closed/no_show_lapsed counsellor | T23 follow_up closed/completed counsellor | T25 closed archived archivist
T26 intake closed/void director | T27 active,follow_up closed/left_school director | T27 active,follow_up closed/deceased director
"""


def states_of(word: str) -> list[str | None]:
    """Return the states a word of the table stands for."""
    found: list[str | None] = []
    for part in word.split(","):
        name, _minus, without = part.partition("-") if part != "-" else ("", "", "")
        group = {"active": ACTIVE, "working": WORKING, "": (None,)}.get(name, (name,))
        found += [state for state in group if state != without]
    return found


def by_hand() -> set[tuple[str, str | None, str, str | None, str]]:
    """Return (rule, from, to, reason, actor) of every arrow of the table above."""
    arrows = set()
    for cell in TABLE.replace("\n", "|").split("|"):
        if cell.strip():
            rule, from_word, to_word, actors = cell.split()
            to_name, _slash, reason = to_word.partition("/")
            for before in states_of(from_word):
                for after in states_of(to_name):
                    arrows |= {(rule, before, str(after), reason or None, actor) for actor in actors.split(",")}
    return arrows


def test_the_table_has_exactly_these_arrows() -> None:
    """Skipping assessment, counselling without a plan, leaving the archive: none of it has a row."""
    assert {(r.rule, r.from_state, r.to_state, r.close_reason, by) for r in TRANSITIONS for by in r.by} == by_hand()


@pytest.mark.parametrize("before", [None, *STATES])
def test_all_pairs(before: str | None) -> None:
    """Every state with every state, reason and actor: allowed exactly when the table written by hand has it."""
    arrows = {(b, a, reason, by) for _rule, b, a, reason, by in by_hand()}
    for after in STATES:
        for reason in (None, *CLOSE_REASONS):
            for by in (*PARTS, "school_leader", "guardian", "sysadmin"):
                assert bool(transitions(before, after, reason, by)) == ((before, after, reason, by) in arrows)


ALONE = [row for row in TRANSITIONS if len(transitions(row.from_state, row.to_state, row.close_reason, row.by[0])) == 1]


@pytest.mark.parametrize("row", ALONE, ids=lambda row: f"{row.rule}-{row.from_state}-{row.to_state}")
def test_every_missing_guard_is_named(row: object) -> None:
    """With all evidence but one the step is refused with the code of what is missing."""
    guards = row.guards  # type: ignore[attr-defined]
    full = [Evidence(guard) for guard in guards]
    place = (row.from_state, row.to_state)  # type: ignore[attr-defined]
    for missing in guards:
        brought = [piece for piece in full if piece.guard != missing]
        with pytest.raises(Exception) as caught:
            checked(*place, brought, row.close_reason, row.by[0])  # type: ignore[attr-defined]
        assert caught.value.guard == missing  # type: ignore[attr-defined]
    assert checked(*place, full, row.close_reason, row.by[0]) == row  # type: ignore[attr-defined]


def test_a_pause_leads_back_where_another_arrow_leads_too() -> None:
    """On hold and referred: back with BACK alone, or anew with the medical advice; either is enough, neither is skipped."""
    assert checked("on_hold", "referred_medical", [Evidence("BACK")]).rule == "T17"
    assert checked("on_hold", "referred_medical", [Evidence("G14")]).rule == "T10"
    with pytest.raises(Exception, match="G14"):
        checked("on_hold", "referred_medical", [])


def test_nothing_ends_after_a_session_without_report_and_evaluation() -> None:
    """R10-13: every arrow into a closed state from a state in which sessions may have been held asks for END."""
    into = [row for row in TRANSITIONS if row.to_state == "closed" and row.from_state not in ("intake", "follow_up")]
    assert into and all("END" in row.guards for row in into)


def test_no_student_is_listed_flagged_or_ranked_and_every_end_names_its_clause() -> None:
    """R9-03: rows of students and clients hold no mark of anybody; refusing service is an arrow with clause and named help."""
    assert {column.name for column in Student.__table__.columns} <= KNOWN_OF_STUDENTS
    assert {column.name for column in Client.__table__.columns} == {"client_id", "card_box_id", "card_sealed"}
    ends = [row for row in TRANSITIONS if row.to_state == "closed"]
    assert ends and all(row.clause.startswith("篇") and row.close_reason for row in ends)
    assert {"REC"} <= set(next(row.guards for row in ends if row.close_reason == "out_of_scope"))
