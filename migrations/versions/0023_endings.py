"""endings: when a session began; how many sessions a report and an evaluation look back on; second readers who take over."""

import sqlalchemy as sa
from alembic import op

revision = '0023'
down_revision = '0022'

ENDINGS = "kind IN ('F10', 'F11', 'rating')"
AWAY = 1000  # where a downgrade lays what it cannot number: the version before knows one of each kind
OF_ITEM = "items.box_id IN (c.box_id, c.shared_box_id)"
FILED = f"EXISTS (SELECT 1 FROM cases c WHERE {OF_ITEM} AND c.state = 'archived')"  # sealed: neither changed nor asked for
LATER = "SELECT 1 FROM items later WHERE later.box_id = items.box_id AND later.kind = items.kind AND later.number > items.number"


def held(case: str, day: str) -> str:
    """Return how many sessions a case had when something was begun; of a closed one all: it closed with what there was."""
    closed = f"(SELECT c.state FROM cases c WHERE c.case_id = {case}) IN ('closed', 'archived')"
    return f"(SELECT count(*) FROM counselling_sessions s WHERE s.case_id = {case} AND (s.held_on <= {day} OR {closed}))"


def upgrade() -> None:
    """Go one step up."""
    op.add_column('counselling_sessions', sa.Column('begun_at', sa.DateTime(timezone=True), nullable=True))
    op.add_column('case_readers', sa.Column('stays', sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column('evaluations', sa.Column('number', sa.Integer(), nullable=False, server_default='1'))
    op.execute(f"UPDATE evaluations SET number = 1 + {held('evaluations.case_id', 'evaluations.on_day')}")
    case = f"(SELECT c.case_id FROM cases c WHERE {OF_ITEM})"
    op.execute(f"UPDATE items SET number = 1 + {held(case, 'items.on_day')} WHERE number = 1 AND {ENDINGS} AND NOT {FILED}")
    op.execute(f"UPDATE items SET number = number - {AWAY} WHERE number > {AWAY} AND {ENDINGS} AND NOT {FILED}")
    for name, column in (('evaluations', 'number'), ('case_readers', 'stays')):
        with op.batch_alter_table(name) as table:
            table.alter_column(column, server_default=None)


def downgrade() -> None:
    """Go one step back: the newest of each kind is the one there is, earlier ones lie beside it."""
    op.execute(f"UPDATE items SET number = number + {AWAY} WHERE {ENDINGS} AND NOT {FILED}")
    op.execute(f"UPDATE items SET number = 1 WHERE {ENDINGS} AND NOT {FILED} AND NOT EXISTS ({LATER})")
    for name, column in (('evaluations', 'number'), ('case_readers', 'stays'), ('counselling_sessions', 'begun_at')):
        with op.batch_alter_table(name) as table:
            table.drop_column(column)
