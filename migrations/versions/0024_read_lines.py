"""read lines: the openings of an hour are found without the lines of every saved draft."""

import sqlalchemy as sa
from alembic import op

revision = '0024'
down_revision = '0023'

READ = sa.text(r"tag LIKE 'pathway:%\:read'")


def upgrade() -> None:
    """Go one step up."""
    columns = ['actor_id', 'at', 'subject_id', 'tag']  # all that is asked: the lines themselves are not read
    op.create_index('ix_audit_lines_read', 'audit_lines', columns, sqlite_where=READ, postgresql_where=READ)


def downgrade() -> None:
    """Go one step back."""
    op.drop_index('ix_audit_lines_read', 'audit_lines')
