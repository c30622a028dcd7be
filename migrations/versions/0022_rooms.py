"""rooms: who was in a counselling room, with which counsellor beside them."""

import sqlalchemy as sa
from alembic import op

revision = '0022'
down_revision = '0021'


def upgrade() -> None:
    """Go one step up."""
    op.create_table('room_visits',
    sa.Column('visit_id', sa.Uuid(), nullable=False),
    sa.Column('room_id', sa.Uuid(), nullable=False),
    sa.Column('who', sa.String(length=12), nullable=False),
    sa.Column('words_sealed', sa.LargeBinary(), nullable=False),
    sa.Column('escort_id', sa.Uuid(), nullable=False),
    sa.Column('came_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('left_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('written_by', sa.Uuid(), nullable=True),
    sa.CheckConstraint("who IN ('colleague', 'family', 'repair', 'inspection', 'other')", name=op.f('ck_room_visits_who')),
    sa.CheckConstraint('left_at IS NULL OR left_at >= came_at', name=op.f('ck_room_visits_left_after')),
    sa.PrimaryKeyConstraint('visit_id', name=op.f('pk_room_visits'))
    )
    op.create_index('ix_room_visits_list', 'room_visits', ['left_at', 'came_at'], unique=False)


def downgrade() -> None:
    """Go one step back."""
    op.drop_index('ix_room_visits_list', table_name='room_visits')
    op.drop_table('room_visits')
