"""other relationships: declared pairs, when a counsellor's cases were last looked at, the notice that one was found."""

import sqlalchemy as sa
from alembic import op

revision = '0008'
down_revision = '0007'

NOTICES_BEFORE = ('time_confirmed', 'time_offered', 'time_cancelled', 'form_waits', 'signature_given', 'case_arrives', 'task_overdue',
                  'level_raised')
NOTICES_AFTER = (*NOTICES_BEFORE, 'conflict_found')


def upgrade() -> None:
    """Go one step up."""
    op.create_table('declared_conflicts',
    sa.Column('client_id', sa.Uuid(), nullable=False),
    sa.Column('holder_id', sa.Uuid(), nullable=False),
    sa.Column('on_day', sa.Date(), nullable=False),
    sa.PrimaryKeyConstraint('client_id', 'holder_id', name=op.f('pk_declared_conflicts')),
    info={'world': 'client'}
    )
    op.create_table('conflict_looks',
    sa.Column('holder_id', sa.Uuid(), nullable=False),
    sa.Column('on_day', sa.Date(), nullable=False),
    sa.PrimaryKeyConstraint('holder_id', name=op.f('pk_conflict_looks'))
    )
    kinds_of_notices(NOTICES_AFTER)


def kinds_of_notices(allowed: tuple[str, ...]) -> None:
    """Let notices be of these kinds."""
    with op.batch_alter_table('notices') as table:
        table.drop_constraint(op.f('ck_notices_kind'), type_='check')
        table.create_check_constraint(op.f('ck_notices_kind'), f"kind IN {allowed}")


def downgrade() -> None:
    """Go one step back."""
    op.execute("DELETE FROM notices WHERE kind = 'conflict_found'")
    kinds_of_notices(NOTICES_BEFORE)
    op.drop_table('conflict_looks')
    op.drop_table('declared_conflicts')
