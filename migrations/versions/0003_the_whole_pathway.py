"""the whole pathway: agreements, readers, referrals, homework, evaluations, follow-ups, every state of a case."""

import sqlalchemy as sa
from alembic import op

revision = '0003'
down_revision = '0002'

OPEN_BEFORE = sa.text("state <> 'closed'")
OPEN_AFTER = sa.text("state NOT IN ('follow_up', 'closed', 'archived')")
STATES_BEFORE = ('intake', 'assessment', 'planning', 'counselling', 'closed')
STATES_AFTER = ('intake', 'assessment', 'planning', 'counselling', 'on_hold', 'transfer_pending', 'referred_medical', 'closing',
                'follow_up', 'closed', 'archived')
REASONS_BEFORE = ('out_of_scope', 'single_session')
REASONS_AFTER = ('completed', 'single_session', 'out_of_scope', 'no_agreement', 'withdrawn', 'no_show_lapsed', 'lost_contact',
                 'transferred_out', 'medical_referral', 'left_school', 'deceased', 'void')
KINDS_BEFORE = ('group', 'card', 'request', 'case', 'shared', 'concern', 'task')
KINDS_AFTER = (*KINDS_BEFORE, 'process')
FORMS = ('in_person', 'video', 'phone', 'group', 'letter', 'online')
CASE_COLUMNS = [
    ('resume_state', sa.String(length=20)),
    ('resume_on', sa.Date()),
    ('transfer_to', sa.Uuid()),
    ('previous_id', sa.Uuid()),
    ('ended_by', sa.String(length=12)),
    ('closed_on', sa.Date()),
]
TABLES = ('agreements', 'case_readers', 'contact_tries', 'evaluations', 'follow_ups', 'homework', 'instruments', 'process_boxes', 'referrals')
INDEXED = (('accounts', 'holder_id'), ('sign_ins', 'idle_until'), ('sign_ins', 'ends_at'))


def upgrade() -> None:
    """Go one step up."""
    for table, column in INDEXED:
        op.create_index(op.f(f'ix_{table}_{column}'), table, [column])
    op.create_table('agreements',
    sa.Column('case_id', sa.Uuid(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('subject', sa.String(length=12), nullable=False),
    sa.Column('item_id', sa.Uuid(), nullable=False),
    sa.Column('revision', sa.Integer(), nullable=False),
    sa.Column('way', sa.String(length=12), nullable=False),
    sa.Column('agreed', sa.Boolean(), nullable=False),
    sa.Column('on_day', sa.Date(), nullable=False),
    sa.CheckConstraint("way IN ('own_sign_in', 'in_room', 'by_phone', 'on_paper')", name=op.f('ck_agreements_way')),
    sa.PrimaryKeyConstraint('case_id', 'number', name=op.f('pk_agreements')),
    info={'world': 'client'}
    )
    op.create_index('ix_agreements_item', 'agreements', ['item_id', 'number'])
    op.create_table('case_readers',
    sa.Column('case_id', sa.Uuid(), nullable=False),
    sa.Column('holder_id', sa.Uuid(), nullable=False),
    sa.Column('purpose', sa.String(length=12), nullable=False),
    sa.Column('until_on', sa.Date(), nullable=True),
    sa.CheckConstraint("purpose IN ('second', 'former', 'receiving')", name=op.f('ck_case_readers_purpose')),
    sa.PrimaryKeyConstraint('case_id', 'holder_id', name=op.f('pk_case_readers')),
    info={'world': 'client'}
    )
    op.create_table('contact_tries',
    sa.Column('case_id', sa.Uuid(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('way', sa.String(length=12), nullable=False),
    sa.Column('on_day', sa.Date(), nullable=False),
    sa.CheckConstraint("way IN ('phone', 'in_page', 'in_person', 'letter')", name=op.f('ck_contact_tries_way')),
    sa.PrimaryKeyConstraint('case_id', 'number', name=op.f('pk_contact_tries')),
    info={'world': 'client'}
    )
    op.create_table('evaluations',
    sa.Column('case_id', sa.Uuid(), nullable=False),
    sa.Column('client_item_id', sa.Uuid(), nullable=True),
    sa.Column('waiver', sa.String(length=16), nullable=True),
    sa.Column('letter_on', sa.Date(), nullable=True),
    sa.Column('on_day', sa.Date(), nullable=False),
    sa.CheckConstraint("waiver IS NULL OR waiver IN ('withdrawn', 'lost_contact', 'no_show_lapsed', 'declined', 'left_school', 'deceased')", name=op.f('ck_evaluations_waiver')),
    sa.PrimaryKeyConstraint('case_id', name=op.f('pk_evaluations')),
    info={'world': 'client'}
    )
    op.create_table('follow_ups',
    sa.Column('case_id', sa.Uuid(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('planned_on', sa.Date(), nullable=False),
    sa.Column('state', sa.String(length=12), nullable=False),
    sa.Column('settled_on', sa.Date(), nullable=True),
    sa.CheckConstraint("state IN ('planned', 'done', 'declined')", name=op.f('ck_follow_ups_state')),
    sa.PrimaryKeyConstraint('case_id', 'number', name=op.f('pk_follow_ups')),
    info={'world': 'client'}
    )
    op.create_table('homework',
    sa.Column('case_id', sa.Uuid(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('session_no', sa.Integer(), nullable=False),
    sa.Column('due_on', sa.Date(), nullable=True),
    sa.Column('state', sa.String(length=12), nullable=False),
    sa.CheckConstraint("state IN ('given', 'done', 'not_done', 'declined')", name=op.f('ck_homework_state')),
    sa.PrimaryKeyConstraint('case_id', 'number', name=op.f('pk_homework')),
    info={'world': 'client'}
    )
    op.create_table('instruments',
    sa.Column('instrument_id', sa.Uuid(), nullable=False),
    sa.Column('code', sa.String(length=24), nullable=False),
    sa.Column('version', sa.String(length=24), nullable=False),
    sa.Column('title', sa.String(length=120), nullable=False),
    sa.Column('items', sa.Integer(), nullable=False),
    sa.Column('lowest', sa.Integer(), nullable=False),
    sa.Column('highest', sa.Integer(), nullable=False),
    sa.Column('approved_on', sa.Date(), nullable=False),
    sa.Column('withdrawn_on', sa.Date(), nullable=True),
    sa.PrimaryKeyConstraint('instrument_id', name=op.f('pk_instruments')),
    sa.UniqueConstraint('code', 'version', name=op.f('uq_instruments_code'))
    )
    op.create_table('process_boxes',
    sa.Column('case_id', sa.Uuid(), nullable=False),
    sa.Column('author_id', sa.Uuid(), nullable=False),
    sa.Column('box_id', sa.Uuid(), nullable=False),
    sa.PrimaryKeyConstraint('case_id', 'author_id', name=op.f('pk_process_boxes')),
    info={'world': 'client'}
    )
    op.create_table('referrals',
    sa.Column('case_id', sa.Uuid(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(length=12), nullable=False),
    sa.Column('item_id', sa.Uuid(), nullable=False),
    sa.Column('feedback_due_on', sa.Date(), nullable=False),
    sa.Column('answered_on', sa.Date(), nullable=True),
    sa.Column('made_on', sa.Date(), nullable=False),
    sa.CheckConstraint("kind IN ('medical', 'institution', 'counsellor', 'social')", name=op.f('ck_referrals_kind')),
    sa.PrimaryKeyConstraint('case_id', 'number', name=op.f('pk_referrals')),
    info={'world': 'client'}
    )
    op.add_column('case_moves', sa.Column('reason', sa.String(length=24), nullable=True))
    for name, kind in CASE_COLUMNS:
        op.add_column('cases', sa.Column(name, kind, nullable=True))
    op.add_column('counselling_sessions', sa.Column('crisis', sa.Boolean(), nullable=False, server_default=sa.false()))
    with op.batch_alter_table('counselling_sessions') as table:
        table.alter_column('crisis', server_default=None, existing_type=sa.Boolean(), existing_nullable=False)
        table.create_check_constraint(op.f('ck_counselling_sessions_mode'), f"mode IN {FORMS}")
    checks_of_cases(STATES_AFTER, REASONS_AFTER, "(state IN ('closed', 'archived')) = (close_reason IS NOT NULL)", OPEN_AFTER)
    with op.batch_alter_table('cases') as table:
        table.create_check_constraint(
            op.f('ck_cases_comes_back'), "(state IN ('on_hold', 'transfer_pending')) = (resume_state IS NOT NULL)"
        )
    kinds_of_boxes(KINDS_AFTER)


def checks_of_cases(states: tuple[str, ...], reasons: tuple[str, ...], closed: str, one_open: sa.TextClause) -> None:
    """Let a case be in these states and close for these reasons, one open case a client."""
    op.drop_index('uq_cases_open', 'cases')
    with op.batch_alter_table('cases') as table:
        for name in ('state', 'closed_has_reason', 'close_reason'):
            table.drop_constraint(op.f(f'ck_cases_{name}'), type_='check')
        table.create_check_constraint(op.f('ck_cases_state'), f"state IN {states}")
        table.create_check_constraint(op.f('ck_cases_closed_has_reason'), closed)
        table.create_check_constraint(op.f('ck_cases_close_reason'), f"close_reason IS NULL OR close_reason IN {reasons}")
    op.create_index('uq_cases_open', 'cases', ['client_id'], unique=True, sqlite_where=one_open, postgresql_where=one_open)


def kinds_of_boxes(kinds: tuple[str, ...]) -> None:
    """Let a box be of these kinds."""
    with op.batch_alter_table('boxes') as table:
        table.drop_constraint(op.f('ck_boxes_kind'), type_='check')
        table.create_check_constraint(op.f('ck_boxes_kind'), f"kind IN {kinds}")


def downgrade() -> None:
    """Go one step back: what the house before did not know becomes the nearest it knew."""
    for table, column in INDEXED:
        op.drop_index(op.f(f'ix_{table}_{column}'), table_name=table)
    op.execute("DELETE FROM boxes WHERE kind = 'process'")
    kinds_of_boxes(KINDS_BEFORE)
    with op.batch_alter_table('cases') as table:
        table.drop_constraint(op.f('ck_cases_comes_back'), type_='check')
    nearest = "UPDATE cases SET state = COALESCE(resume_state, 'counselling') WHERE state NOT IN "
    op.execute(nearest + str((*STATES_BEFORE, 'follow_up', 'archived')))
    op.execute("UPDATE cases SET state = 'closed', close_reason = 'single_session' WHERE state IN ('follow_up', 'archived')")
    known = "UPDATE cases SET close_reason = 'single_session' WHERE close_reason IS NOT NULL AND close_reason NOT IN "
    op.execute(known + str(REASONS_BEFORE))
    checks_of_cases(STATES_BEFORE, REASONS_BEFORE, "(state = 'closed') = (close_reason IS NOT NULL)", OPEN_BEFORE)
    with op.batch_alter_table('counselling_sessions') as table:
        table.drop_constraint(op.f('ck_counselling_sessions_mode'), type_='check')
    op.drop_column('counselling_sessions', 'crisis')
    for name, _kind in CASE_COLUMNS:
        op.drop_column('cases', name)
    op.drop_column('case_moves', 'reason')
    op.drop_index('ix_agreements_item', 'agreements')
    for name in TABLES:
        op.drop_table(name)
