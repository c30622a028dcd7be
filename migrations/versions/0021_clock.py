"""clock: the latest moment this house has seen; a clock that is set back extends no loan."""

import sqlalchemy as sa
from alembic import op

revision = '0021'
down_revision = '0020'


def upgrade() -> None:
    """Go one step up."""
    op.create_table('clock_marks',
    sa.Column('mark_id', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('mark_id', name=op.f('pk_clock_marks'))
    )


def downgrade() -> None:
    """Go one step back."""
    op.drop_table('clock_marks')
