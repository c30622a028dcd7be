"""what clients ask about their own file, and the notices of it."""

import sqlalchemy as sa
from alembic import op

revision = '0009'
down_revision = '0008'

NOTICES_BEFORE = ('time_confirmed', 'time_offered', 'time_cancelled', 'form_waits', 'signature_given', 'case_arrives', 'task_overdue',
                  'level_raised', 'conflict_found')
NOTICES_AFTER = (*NOTICES_BEFORE, 'question_asked', 'answered')


def upgrade() -> None:
    """Go one step up."""
    op.create_table('own_questions',
    sa.Column('question_id', sa.Uuid(), nullable=False),
    sa.Column('client_id', sa.Uuid(), nullable=False),
    sa.Column('kind', sa.String(length=12), nullable=False),
    sa.Column('box_id', sa.Uuid(), nullable=False),
    sa.Column('asked_on', sa.Date(), nullable=False),
    sa.Column('due_on', sa.Date(), nullable=False),
    sa.Column('answered_on', sa.Date(), nullable=True),
    sa.CheckConstraint("kind IN ('opening', 'access', 'copy', 'correction', 'erasure')", name=op.f('ck_own_questions_kind')),
    sa.PrimaryKeyConstraint('question_id', name=op.f('pk_own_questions')),
    info={'world': 'client'}
    )
    op.create_index(op.f('ix_own_questions_client_id'), 'own_questions', ['client_id'])
    kinds_of_notices(NOTICES_AFTER)


def kinds_of_notices(allowed: tuple[str, ...]) -> None:
    """Let notices be of these kinds."""
    with op.batch_alter_table('notices') as table:
        table.drop_constraint(op.f('ck_notices_kind'), type_='check')
        table.create_check_constraint(op.f('ck_notices_kind'), f"kind IN {allowed}")


def downgrade() -> None:
    """Go one step back."""
    op.execute("DELETE FROM notices WHERE kind IN ('question_asked', 'answered')")
    kinds_of_notices(NOTICES_BEFORE)
    op.drop_index(op.f('ix_own_questions_client_id'), table_name='own_questions')
    op.drop_table('own_questions')
