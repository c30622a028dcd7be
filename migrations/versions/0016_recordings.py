"""recordings that somebody wants kept after the yes was taken back; files that must stay as they are; a notice for both."""

import sqlalchemy as sa
from alembic import op

revision = '0016'
down_revision = '0015'

NOTICES = ('time_confirmed', 'time_offered', 'time_cancelled', 'form_waits', 'signature_given', 'case_arrives', 'task_overdue',
           'level_raised', 'conflict_found', 'question_asked', 'answered', 'package', 'approve', 'decided', 'look_back', 'told',
           'event', 'pattern')
STATES = ('asked', 'granted', 'ended')


def upgrade() -> None:
    """Go one step up."""
    op.create_table('copy_wishes',
    sa.Column('material_id', sa.Uuid(), nullable=False),
    sa.Column('state', sa.String(length=8), nullable=False),
    sa.Column('asked_on', sa.Date(), nullable=False),
    sa.Column('ended_on', sa.Date(), nullable=True),
    sa.CheckConstraint(f"state IN {STATES}", name=op.f('ck_copy_wishes_state')),
    sa.CheckConstraint("(state = 'ended') = (ended_on IS NOT NULL)", name=op.f('ck_copy_wishes_ended_with_day')),
    sa.PrimaryKeyConstraint('material_id', name=op.f('pk_copy_wishes')),
    info={'world': 'client'}
    )
    op.create_table('legal_holds',
    sa.Column('hold_id', sa.Uuid(), nullable=False),
    sa.Column('case_id', sa.Uuid(), nullable=False),
    sa.Column('set_by', sa.Uuid(), nullable=False),
    sa.Column('set_on', sa.Date(), nullable=False),
    sa.Column('lifted_on', sa.Date(), nullable=True),
    sa.PrimaryKeyConstraint('hold_id', name=op.f('pk_legal_holds')),
    info={'world': 'client'}
    )
    op.create_index(op.f('ix_legal_holds_case_id'), 'legal_holds', ['case_id'])
    op.create_index(op.f('ix_materials_consent_id'), 'materials', ['consent_id'])
    kinds((*NOTICES, 'recording'))


def kinds(allowed: tuple[str, ...]) -> None:
    """Let notices be of these kinds."""
    with op.batch_alter_table('notices') as table:
        table.drop_constraint(op.f('ck_notices_kind'), type_='check')
        table.create_check_constraint(op.f('ck_notices_kind'), f"kind IN {allowed}")


def downgrade() -> None:
    """Go one step back."""
    op.drop_index(op.f('ix_materials_consent_id'), 'materials')
    op.drop_table('legal_holds')
    op.drop_table('copy_wishes')
    op.execute("DELETE FROM notices WHERE kind = 'recording'")
    kinds(NOTICES)
