"""reports that must be made at once: about a harmed minor, about a major event; who of leadership has acknowledged them."""

import sqlalchemy as sa
from alembic import op

revision = '0011'
down_revision = '0010'

BOXES = ('group', 'card', 'request', 'case', 'shared', 'concern', 'task', 'process', 'safety', 'disclosure', 'package', 'exclusion')


def upgrade() -> None:
    """Go one step up."""
    op.create_table('reports',
    sa.Column('report_id', sa.Uuid(), nullable=False),
    sa.Column('kind', sa.String(length=12), nullable=False),
    sa.Column('client_id', sa.Uuid(), nullable=True),
    sa.Column('case_id', sa.Uuid(), nullable=True),
    sa.Column('sender_id', sa.Uuid(), nullable=False),
    sa.Column('box_id', sa.Uuid(), nullable=True),
    sa.Column('opened_on', sa.Date(), nullable=False),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('stop_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ended_on', sa.Date(), nullable=True),
    sa.Column('outcome', sa.String(length=12), nullable=True),
    sa.Column('told_on', sa.Date(), nullable=True),
    sa.CheckConstraint("kind IN ('mandatory', 'event')", name=op.f('ck_reports_kind')),
    sa.CheckConstraint("(ended_on IS NULL) = (outcome IS NULL)", name=op.f('ck_reports_ended_with_outcome')),
    sa.CheckConstraint("outcome IN ('reported', 'known', 'of_age')", name=op.f('ck_reports_outcome')),
    sa.PrimaryKeyConstraint('report_id', name=op.f('pk_reports')),
    info={'world': 'client'}
    )
    op.create_index(op.f('ix_reports_case_id'), 'reports', ['case_id'])
    op.create_index(op.f('ix_reports_sender_id'), 'reports', ['sender_id'])
    op.create_index('ix_reports_client', 'reports', ['client_id', 'ended_on'])
    op.create_table('reports_seen',
    sa.Column('report_id', sa.Uuid(), nullable=False),
    sa.Column('holder_id', sa.Uuid(), nullable=False),
    sa.Column('told_on', sa.Date(), nullable=False),
    sa.Column('seen_on', sa.Date(), nullable=True),
    sa.ForeignKeyConstraint(['report_id'], ['reports.report_id'], name=op.f('fk_reports_seen_report_id_reports')),
    sa.PrimaryKeyConstraint('report_id', 'holder_id', name=op.f('pk_reports_seen')),
    info={'world': 'client'}
    )
    kinds((*BOXES, 'report'))


def kinds(allowed: tuple[str, ...]) -> None:
    """Let boxes be of these kinds."""
    with op.batch_alter_table('boxes') as table:
        table.drop_constraint(op.f('ck_boxes_kind'), type_='check')
        table.create_check_constraint(op.f('ck_boxes_kind'), f"kind IN {allowed}")


def downgrade() -> None:
    """Go one step back; what was reported goes with it, its keys first."""
    op.execute("DELETE FROM grants WHERE box_id IN (SELECT box_id FROM boxes WHERE kind = 'report')")
    op.drop_table('reports_seen')
    op.drop_table('reports')
    op.execute("DELETE FROM boxes WHERE kind = 'report'")
    kinds(BOXES)
