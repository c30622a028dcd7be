"""messages that leave the house, where colleagues wish to be told, notices on the own pages, the leader's hearing."""

import sqlalchemy as sa
from alembic import op

revision = '0006'
down_revision = '0005'

NOTICES = ('time_confirmed', 'time_offered', 'time_cancelled', 'form_waits', 'signature_given', 'case_arrives', 'task_overdue')


def upgrade() -> None:
    """Go one step up."""
    op.create_table('outbox',
    sa.Column('message_id', sa.Uuid(), nullable=False),
    sa.Column('once', sa.LargeBinary(), nullable=False),
    sa.Column('channel', sa.String(length=8), nullable=False),
    sa.Column('address_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('text', sa.String(length=24), nullable=False),
    sa.Column('language', sa.String(length=12), nullable=False),
    sa.Column('state', sa.String(length=8), nullable=False),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('not_after', sa.DateTime(timezone=True), nullable=True),
    sa.Column('tries', sa.Integer(), nullable=False),
    sa.Column('leased_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('lease_id', sa.Uuid(), nullable=True),
    sa.Column('problem', sa.String(length=40), nullable=True),
    sa.Column('ended_on', sa.Date(), nullable=True),
    sa.CheckConstraint("channel IN ('mail', 'gateway')", name=op.f('ck_outbox_channel')),
    sa.CheckConstraint("state IN ('waiting', 'sent', 'dead')", name=op.f('ck_outbox_state')),
    sa.CheckConstraint("state = 'waiting' OR leased_until IS NULL", name=op.f('ck_outbox_only_waiting_is_leased')),
    sa.CheckConstraint("state <> 'sent' OR address_sealed IS NULL", name=op.f('ck_outbox_sent_keeps_no_address')),
    sa.PrimaryKeyConstraint('message_id', name=op.f('pk_outbox')),
    sa.UniqueConstraint('once', name=op.f('uq_outbox_once'))
    )
    op.create_index('ix_outbox_due', 'outbox', ['state', 'due_at'])
    op.create_table('notices',
    sa.Column('notice_id', sa.Uuid(), nullable=False),
    sa.Column('reader_id', sa.Uuid(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(length=16), nullable=False),
    sa.Column('object_id', sa.Uuid(), nullable=True),
    sa.Column('made_on', sa.Date(), nullable=False),
    sa.Column('read_on', sa.Date(), nullable=True),
    sa.CheckConstraint(f"kind IN {NOTICES}", name=op.f('ck_notices_kind')),
    sa.PrimaryKeyConstraint('notice_id', name=op.f('pk_notices')),
    info={'world': 'client'}
    )
    op.create_index('ix_notices_reader', 'notices', ['reader_id', 'read_on', 'number'])
    op.create_table('staff_addresses',
    sa.Column('account_id', sa.Uuid(), nullable=False),
    sa.Column('address_sealed', sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint('account_id', name=op.f('pk_staff_addresses'))
    )
    op.add_column('tasks', sa.Column('leader_told_on', sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    """Go one step back: what waited to be sent is not sent."""
    op.drop_column('tasks', 'leader_told_on')
    op.drop_table('staff_addresses')
    op.drop_index('ix_notices_reader', 'notices')
    op.drop_table('notices')
    op.drop_index('ix_outbox_due', 'outbox')
    op.drop_table('outbox')
