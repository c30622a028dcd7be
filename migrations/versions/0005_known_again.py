"""a signed text carries its author's own mark beside the signature, by which the author knows it again."""

import sqlalchemy as sa
from alembic import op

revision = '0005'
down_revision = '0004'


def upgrade() -> None:
    """Go one step up: texts signed before have no mark and are known by their signature."""
    op.add_column('bodies', sa.Column('own_mac', sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    """Go one step back."""
    op.drop_column('bodies', 'own_mac')
