"""deputies, guardians, timetable, offered talks, second signatures, what lapses by itself."""

import sqlalchemy as sa
from alembic import op

from counsel.core.database import Moment

revision = '0002'
down_revision = '0001'

WAITING = sa.text("state = 'requested'")
BEFORE = ('requested', 'confirmed', 'offered', 'checked_in', 'completed', 'forfeited', 'no_show', 'cancelled_by_client',
          'cancelled_by_centre', 'moved')
AFTER = (*BEFORE[:-1], 'lapsed', 'moved')
COLUMNS = {
    'consents': [('countersign_id', sa.Uuid())],
    'students': [('guardians_box_id', sa.Uuid()), ('guardians_sealed', sa.LargeBinary()), ('guardians_tag', sa.LargeBinary())],
    'tasks': [('requester_id', sa.Uuid()), ('escalated_on', Moment())],
    'appointments': [('answer_by', Moment())],
}


def upgrade() -> None:
    """Go one step up."""
    op.create_table('deputies',
    sa.Column('deputy_id', sa.Uuid(), nullable=False),
    sa.Column('role', sa.String(length=24), nullable=False),
    sa.Column('named_by', sa.Uuid(), nullable=False),
    sa.Column('account_id', sa.Uuid(), nullable=False),
    sa.Column('from_on', sa.Date(), nullable=False),
    sa.Column('until_on', sa.Date(), nullable=False),
    sa.CheckConstraint('until_on >= from_on', name=op.f('ck_deputies_days')),
    sa.PrimaryKeyConstraint('deputy_id', name=op.f('pk_deputies'))
    )
    op.create_index(op.f('ix_deputies_account_id'), 'deputies', ['account_id'])
    op.create_table('talk_offers',
    sa.Column('offer_id', sa.Uuid(), nullable=False),
    sa.Column('client_id', sa.Uuid(), nullable=False),
    sa.Column('box_id', sa.Uuid(), nullable=True),
    sa.Column('state', sa.String(length=12), nullable=False),
    sa.Column('on_day', sa.Date(), nullable=False),
    sa.CheckConstraint("state IN ('open', 'accepted', 'declined')", name=op.f('ck_talk_offers_state')),
    sa.PrimaryKeyConstraint('offer_id', name=op.f('pk_talk_offers')),
    info={'world': 'client'}
    )
    op.create_index(op.f('ix_talk_offers_client_id'), 'talk_offers', ['client_id'])
    op.create_table('teachings',
    sa.Column('account_id', sa.Uuid(), nullable=False),
    sa.Column('class_tag', sa.LargeBinary(), nullable=False),
    sa.Column('leads', sa.Boolean(), nullable=False),
    sa.PrimaryKeyConstraint('account_id', 'class_tag', name=op.f('pk_teachings'))
    )
    for table, columns in COLUMNS.items():
        for name, kind in columns:
            op.add_column(table, sa.Column(name, kind, nullable=True))
    one_waiting_request()
    op.create_index('uq_appointments_waiting', 'appointments', ['client_id'], unique=True, sqlite_where=WAITING, postgresql_where=WAITING)
    states_of_appointments(AFTER)


def one_waiting_request() -> None:
    """Before two waiting requests of one client become impossible, the later ones of those there are lapse."""
    op.execute(
        "UPDATE appointments SET state = 'cancelled_by_centre', reason = 'twice' WHERE state = 'requested' AND EXISTS ("
        "SELECT 1 FROM appointments AS other WHERE other.client_id = appointments.client_id AND other.state = 'requested' "
        "AND other.starts_at < appointments.starts_at)"
    )


def states_of_appointments(states: tuple[str, ...]) -> None:
    """Let the state be one of these; SQLite rebuilds the table with everything else it had."""
    with op.batch_alter_table('appointments') as table:
        table.drop_constraint(op.f('ck_appointments_state'), type_='check')
        table.create_check_constraint(op.f('ck_appointments_state'), f"state IN {states}")


def downgrade() -> None:
    """Go one step back."""
    op.execute("UPDATE appointments SET state = 'cancelled_by_centre', reason = 'lapsed' WHERE state = 'lapsed'")
    states_of_appointments(BEFORE)
    op.drop_index('uq_appointments_waiting', 'appointments')
    for table, columns in COLUMNS.items():
        for name, _kind in columns:
            op.drop_column(table, name)
    op.drop_table('teachings')
    op.drop_index(op.f('ix_talk_offers_client_id'), 'talk_offers')
    op.drop_table('talk_offers')
    op.drop_index(op.f('ix_deputies_account_id'), 'deputies')
    op.drop_table('deputies')
