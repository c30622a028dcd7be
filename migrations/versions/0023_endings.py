"""endings: when a session began; how many sessions a report and an evaluation look back on; second readers who take over."""

import sqlalchemy as sa
from alembic import op

revision = '0023'
down_revision = '0022'

HELD = "(SELECT count(*) FROM counselling_sessions s WHERE s.case_id = {case})"
OF_BOX = "(SELECT c.case_id FROM cases c WHERE items.box_id IN (c.box_id, c.shared_box_id))"
ENDINGS = "kind IN ('F10', 'F11', 'rating')"


def upgrade() -> None:
    """Go one step up."""
    op.add_column('counselling_sessions', sa.Column('begun_at', sa.DateTime(timezone=True), nullable=True))
    op.add_column('case_readers', sa.Column('stays', sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column('evaluations', sa.Column('number', sa.Integer(), nullable=False, server_default='1'))
    op.execute(f"UPDATE evaluations SET number = 1 + {HELD.format(case='evaluations.case_id')}")
    op.execute(f"UPDATE items SET number = 1 + {HELD.format(case=OF_BOX)} WHERE {ENDINGS}")
    for name, column in (('evaluations', 'number'), ('case_readers', 'stays')):
        with op.batch_alter_table(name) as table:
            table.alter_column(column, server_default=None)


def downgrade() -> None:
    """Go one step back: the newest of each kind stays, as the only one."""
    newest = "SELECT 1 FROM items later WHERE later.box_id = items.box_id AND later.kind = items.kind AND later.number > items.number"
    op.execute(f"UPDATE items SET number = 1 WHERE {ENDINGS} AND NOT EXISTS ({newest})")
    for name, column in (('evaluations', 'number'), ('case_readers', 'stays'), ('counselling_sessions', 'begun_at')):
        with op.batch_alter_table(name) as table:
            table.drop_column(column)
