"""tickets: a filed case opens for one reader until a day; without one its boxes are shut, to the archive too."""

import sqlalchemy as sa
from alembic import op

revision = '0018'
down_revision = '0017'

PURPOSES = ('second', 'former', 'receiving')


def upgrade() -> None:
    """Go one step up."""
    op.create_table('tickets',
    sa.Column('ticket_id', sa.Uuid(), nullable=False),
    sa.Column('volume_id', sa.Uuid(), nullable=False),
    sa.Column('case_id', sa.Uuid(), nullable=False),
    sa.Column('reader_id', sa.Uuid(), nullable=False),
    sa.Column('state', sa.String(length=8), nullable=False),
    sa.Column('asked_on', sa.Date(), nullable=False),
    sa.Column('until_on', sa.Date(), nullable=True),
    sa.Column('returned_on', sa.Date(), nullable=True),
    sa.Column('archivist_id', sa.Uuid(), nullable=True),
    sa.CheckConstraint("state IN ('asked', 'open', 'returned')", name=op.f('ck_tickets_state')),
    sa.CheckConstraint("(state = 'returned') = (returned_on IS NOT NULL)", name=op.f('ck_tickets_returned_with_day')),
    sa.PrimaryKeyConstraint('ticket_id', name=op.f('pk_tickets')),
    info={'world': 'client'}
    )
    op.create_index(op.f('ix_tickets_volume_id'), 'tickets', ['volume_id'])
    op.create_index(op.f('ix_tickets_case_id'), 'tickets', ['case_id'])
    op.add_column('boxes', sa.Column('shut', sa.Boolean(), nullable=False, server_default=sa.false()))
    purposes((*PURPOSES, 'reading'))


def purposes(allowed: tuple[str, ...]) -> None:
    """Let readers of a case read for these purposes."""
    with op.batch_alter_table('case_readers') as table:
        table.drop_constraint(op.f('ck_case_readers_purpose'), type_='check')
        table.create_check_constraint(op.f('ck_case_readers_purpose'), f"purpose IN {allowed}")


def downgrade() -> None:
    """Go one step back."""
    op.execute("DELETE FROM case_readers WHERE purpose = 'reading'")
    purposes(PURPOSES)
    with op.batch_alter_table('boxes') as table:
        table.drop_column('shut')
    op.drop_table('tickets')
