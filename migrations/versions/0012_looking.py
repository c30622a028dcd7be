"""openings that somebody looks at afterwards, patterns in the log, a notice for them."""

import sqlalchemy as sa
from alembic import op

revision = '0012'
down_revision = '0011'

NOTICES = ('time_confirmed', 'time_offered', 'time_cancelled', 'form_waits', 'signature_given', 'case_arrives', 'task_overdue',
           'level_raised', 'conflict_found', 'question_asked', 'answered', 'package', 'approve', 'decided', 'look_back', 'told',
           'event')


def upgrade() -> None:
    """Go one step up."""
    op.create_table('audit_looks',
    sa.Column('seq', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('by_id', sa.Uuid(), nullable=True),
    sa.Column('on_day', sa.Date(), nullable=True),
    sa.Column('finding', sa.String(length=16), nullable=True),
    sa.CheckConstraint("finding IN ('in_order', 'asked', 'not_in_order')", name=op.f('ck_audit_looks_finding')),
    sa.CheckConstraint("(finding IS NULL) = (by_id IS NULL)", name=op.f('ck_audit_looks_found_by_somebody')),
    sa.PrimaryKeyConstraint('seq', name=op.f('pk_audit_looks'))
    )
    op.create_index('ix_audit_looks_waiting', 'audit_looks', ['finding', 'seq'])
    op.create_index('ix_audit_lines_actor', 'audit_lines', ['actor_id', 'at'])
    kinds((*NOTICES, 'pattern'))


def kinds(allowed: tuple[str, ...]) -> None:
    """Let notices be of these kinds."""
    with op.batch_alter_table('notices') as table:
        table.drop_constraint(op.f('ck_notices_kind'), type_='check')
        table.create_check_constraint(op.f('ck_notices_kind'), f"kind IN {allowed}")


def downgrade() -> None:
    """Go one step back."""
    op.drop_index('ix_audit_lines_actor', 'audit_lines')
    op.drop_table('audit_looks')
    op.execute("DELETE FROM notices WHERE kind = 'pattern'")
    kinds(NOTICES)
