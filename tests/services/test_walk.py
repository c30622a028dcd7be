"""Random walks: whatever counsellor, client and director try in whatever order, the case does what a simple model says."""

from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, rule
from sqlalchemy import delete, func, select

from counsel.core.errors import CounselError
from counsel.pathway.cases.evidence import Evidence
from counsel.pathway.cases.lifecycle import ACTIVE, CLOSE_REASONS, STATES, TRANSITIONS
from counsel.pathway.cases.models import Case, CaseMove
from counsel.pathway.cases.moving import move
from tests.conftest import Centre
from tests.story import open_the_centre, received

PARTS = {"counsellor": "lan", "client": "S2024001", "director": "director", "receiver": "qiu"}
GUARDS = sorted(
    {guard for row in TRANSITIONS for guard in row.guards} - {"BACK", "ARCHIVE"}
)  # there is no archive yet: nobody can bring that
AWAY = ("on_hold", "transfer_pending")
CENTRES: list[Centre] = []


class Model:
    """The machine told in a dozen lines: a table of arrows, and where a pause came from."""

    def __init__(self) -> None:
        self.state, self.came_from, self.reason = "intake", None, None
        self.moves = 1

    def try_move(self, to: str, by: str, reason: str | None, brought: set[str]) -> bool:
        """Take an arrow when there is one and everything it asks for was brought."""
        have = brought | ({"BACK"} if self.state in AWAY and to == self.came_from else set())
        for row in TRANSITIONS:
            fits = (row.from_state, row.to_state, row.close_reason) == (self.state, to, reason) and by in row.by
            if fits and set(row.guards) <= have:
                self.came_from = self.state if to in AWAY else None
                self.state, self.reason, self.moves = to, reason, self.moves + 1
                return True
        return False


class Walk(RuleBasedStateMachine):
    """One case, walked at random."""

    brought = Bundle("brought")

    def __init__(self) -> None:
        super().__init__()
        self.centre = CENTRES[-1]
        self.model = Model()
        self.case = self.centre.db.scalars(select(Case)).one()
        self.case.state, self.case.close_reason, self.case.resume_state = "intake", None, None
        self.centre.db.execute(delete(CaseMove).where(CaseMove.number > 1))
        self.centre.db.commit()

    @rule(target=brought, guards=st.sets(st.sampled_from(GUARDS)), everything=st.booleans())
    def bring(self, guards: set[str], everything: bool) -> Any:
        """Have some evidence at hand, or all of it."""
        return multiple(frozenset(GUARDS) if everything else frozenset(guards))

    @rule(
        to=st.sampled_from(STATES),
        by=st.sampled_from(sorted(PARTS)),
        reason=st.sampled_from(CLOSE_REASONS),
        guards=brought,
    )
    def walk(self, to: str, by: str, reason: str, guards: frozenset[str]) -> None:
        """Try one arrow, in one part, with what is at hand."""
        close_reason = reason if to == "closed" else None
        actor = self.centre.school[PARTS[by]]
        evidence = [Evidence(guard, self.case.case_id) for guard in sorted(guards)]
        receives = self.case.state == "transfer_pending"
        self.case.transfer_to = self.centre.school["qiu"].holder_id if receives else None
        self.centre.db.commit()
        before = (self.model.state, self.model.reason)
        try:
            move(self.centre.db, actor=actor, case=self.case, to=to, evidence=evidence, by=by, close_reason=close_reason)
            moved = True
        except CounselError:
            moved = False
        may = by != "receiver" or receives
        closed = before[0] in ("closed", "archived")
        allowed = may and not closed and self.model.try_move(to, by, close_reason, set(guards))
        assert moved == allowed, (before, to, by, close_reason, sorted(guards))

    @invariant()
    def agrees_with_the_model(self) -> None:
        """State, reason, way back and the number of moves are the model's; one running case; nothing leaves an end."""
        assert (self.case.state, self.case.close_reason, self.case.resume_state) == (
            self.model.state,
            self.model.reason,
            self.model.came_from,
        )
        count = self.centre.db.scalar(select(func.count()).select_from(CaseMove).where(CaseMove.case_id == self.case.case_id))
        assert count == self.model.moves
        running = select(func.count()).select_from(Case).where(Case.state.in_(ACTIVE))
        assert (self.centre.db.scalar(running) or 0) <= 1


def test_random_walks_follow_the_model(sqlite_centre: Centre) -> None:
    """Property: no order of attempts, by whomever and with whatever, leaves the table."""
    open_the_centre(sqlite_centre)
    received(sqlite_centre)
    CENTRES.append(sqlite_centre)
    Walk.TestCase.settings = settings(
        max_examples=40, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
    )
    Walk.TestCase("runTest").runTest()
