"""in danger: safety cards that duty holds, boxes for them, the notice that somebody has to be watched over."""

import sqlalchemy as sa
from alembic import op

revision = '0007'
down_revision = '0006'

KINDS_BEFORE = ('group', 'card', 'request', 'case', 'shared', 'concern', 'task', 'process')
KINDS_AFTER = (*KINDS_BEFORE, 'safety')
NOTICES_BEFORE = ('time_confirmed', 'time_offered', 'time_cancelled', 'form_waits', 'signature_given', 'case_arrives', 'task_overdue')
NOTICES_AFTER = (*NOTICES_BEFORE, 'level_raised')


def upgrade() -> None:
    """Go one step up."""
    op.create_table('safety_cards',
    sa.Column('client_id', sa.Uuid(), nullable=False),
    sa.Column('box_id', sa.Uuid(), nullable=False),
    sa.Column('sealed', sa.LargeBinary(), nullable=False),
    sa.Column('on_day', sa.Date(), nullable=False),
    sa.PrimaryKeyConstraint('client_id', name=op.f('pk_safety_cards')),
    info={'world': 'client'}
    )
    kinds('boxes', KINDS_AFTER)
    kinds('notices', NOTICES_AFTER)


def kinds(table_name: str, allowed: tuple[str, ...]) -> None:
    """Let rows be of these kinds."""
    with op.batch_alter_table(table_name) as table:
        table.drop_constraint(op.f(f'ck_{table_name}_kind'), type_='check')
        table.create_check_constraint(op.f(f'ck_{table_name}_kind'), f"kind IN {allowed}")


def downgrade() -> None:
    """Go one step back: cards and their boxes go; the cases they were about stay. Run `counsel jobs run cards` before: then no
    lock of an ended card is left behind.
    """
    op.drop_table('safety_cards')
    op.execute("DELETE FROM notices WHERE kind = 'level_raised'")
    kinds('notices', NOTICES_BEFORE)
    op.execute("DELETE FROM grants WHERE box_id IN (SELECT box_id FROM boxes WHERE kind = 'safety')")
    op.execute("DELETE FROM boxes WHERE kind = 'safety'")
    kinds('boxes', KINDS_BEFORE)
