"""disclosures with their packages, whom a client must be kept from, new kinds of boxes, holders, tasks and notices."""

import sqlalchemy as sa
from alembic import op

revision = '0010'
down_revision = '0009'

BOXES = ('group', 'card', 'request', 'case', 'shared', 'concern', 'task', 'process', 'safety')
HOLDERS = ('staff', 'client', 'group')
TASKS = ('contact', 'review', 'countersign', 'report', 'hand_over')
NOTICES = ('time_confirmed', 'time_offered', 'time_cancelled', 'form_waits', 'signature_given', 'case_arrives', 'task_overdue',
           'level_raised', 'conflict_found', 'question_asked', 'answered')
MORE = {
    'boxes': (BOXES, ('disclosure', 'package', 'exclusion')),
    'holders': (HOLDERS, ('code',)),
    'tasks': (TASKS, ('approve', 'look_back', 'inform', 'supervise')),
    'notices': (NOTICES, ('package', 'approve', 'decided', 'look_back', 'told', 'event')),
}


def upgrade() -> None:
    """Go one step up."""
    op.create_table('exclusions',
    sa.Column('client_id', sa.Uuid(), nullable=False),
    sa.Column('box_id', sa.Uuid(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('client_id', name=op.f('pk_exclusions')),
    info={'world': 'client'}
    )
    op.create_table('disclosures',
    sa.Column('disclosure_id', sa.Uuid(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('client_id', sa.Uuid(), nullable=False),
    sa.Column('case_id', sa.Uuid(), nullable=True),
    sa.Column('box_id', sa.Uuid(), nullable=False),
    sa.Column('state', sa.String(length=12), nullable=False),
    sa.Column('sender_id', sa.Uuid(), nullable=False),
    sa.Column('sender_account', sa.Uuid(), nullable=True),
    sa.Column('by_director', sa.Boolean(), nullable=False),
    sa.Column('on_day', sa.Date(), nullable=False),
    sa.Column('duty_from', sa.DateTime(timezone=True), nullable=True),
    sa.Column('decider_id', sa.Uuid(), nullable=True),
    sa.Column('review_due_on', sa.Date(), nullable=True),
    sa.Column('reviewed_by', sa.Uuid(), nullable=True),
    sa.Column('reviewed_on', sa.Date(), nullable=True),
    sa.Column('tell_on', sa.Date(), nullable=True),
    sa.Column('told_on', sa.Date(), nullable=True),
    sa.CheckConstraint("state IN ('draft', 'submitted', 'approved', 'declined', 'sent', 'withdrawn')", name=op.f('ck_disclosures_state')),
    sa.CheckConstraint("(state = 'sent') = (review_due_on IS NOT NULL)", name=op.f('ck_disclosures_sent_is_reviewed')),
    sa.CheckConstraint("told_on IS NULL OR state = 'sent'", name=op.f('ck_disclosures_told_after_sent')),
    sa.PrimaryKeyConstraint('disclosure_id', name=op.f('pk_disclosures')),
    sa.UniqueConstraint('number', name=op.f('uq_disclosures_number')),
    info={'world': 'client'}
    )
    op.create_index(op.f('ix_disclosures_client_id'), 'disclosures', ['client_id'])
    op.create_index(op.f('ix_disclosures_sender_id'), 'disclosures', ['sender_id'])
    op.create_index('ix_disclosures_state', 'disclosures', ['state', 'review_due_on'])
    op.create_table('packages',
    sa.Column('package_id', sa.Uuid(), nullable=False),
    sa.Column('disclosure_id', sa.Uuid(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('way', sa.String(length=8), nullable=False),
    sa.Column('recipient_id', sa.Uuid(), nullable=True),
    sa.Column('box_id', sa.Uuid(), nullable=False),
    sa.Column('facts_box_id', sa.Uuid(), nullable=True),
    sa.Column('until', sa.DateTime(timezone=True), nullable=False),
    sa.Column('opened_on', sa.Date(), nullable=True),
    sa.Column('facts_read_on', sa.Date(), nullable=True),
    sa.Column('revoked_on', sa.Date(), nullable=True),
    sa.Column('code_finder', sa.LargeBinary(), nullable=True),
    sa.Column('code_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('tries', sa.Integer(), nullable=False),
    sa.CheckConstraint("way IN ('page', 'code', 'spoken')", name=op.f('ck_packages_way')),
    sa.CheckConstraint("tries >= 0", name=op.f('ck_packages_tries')),
    sa.ForeignKeyConstraint(['disclosure_id'], ['disclosures.disclosure_id'], name=op.f('fk_packages_disclosure_id_disclosures')),
    sa.PrimaryKeyConstraint('package_id', name=op.f('pk_packages')),
    sa.UniqueConstraint('code_finder', name=op.f('uq_packages_code_finder')),
    info={'world': 'client'}
    )
    op.create_index(op.f('ix_packages_disclosure_id'), 'packages', ['disclosure_id'])
    op.create_index('ix_packages_recipient', 'packages', ['recipient_id', 'until'])
    for name, (before, added) in MORE.items():
        kinds(name, (*before, *added))


def kinds(table_name: str, allowed: tuple[str, ...]) -> None:
    """Let rows be of these kinds."""
    with op.batch_alter_table(table_name) as table:
        table.drop_constraint(op.f(f'ck_{table_name}_kind'), type_='check')
        table.create_check_constraint(op.f(f'ck_{table_name}_kind'), f"kind IN {allowed}")


def downgrade() -> None:
    """Go one step back; what was told goes with it, its keys first."""
    op.execute("DELETE FROM grants WHERE box_id IN (SELECT box_id FROM boxes WHERE kind IN ('disclosure', 'package', 'exclusion'))")
    op.drop_table('packages')
    op.drop_table('disclosures')
    op.drop_table('exclusions')
    for name, (before, added) in MORE.items():
        listed = ', '.join(f"'{kind}'" for kind in added)
        op.execute(f"DELETE FROM {name} WHERE kind IN ({listed})")  # noqa: S608
        kinds(name, before)
