"""one person, two ids: an exclusion list may stand under each id of the person it is about."""

import sqlalchemy as sa
from alembic import op

revision = '0019'
down_revision = '0018'


def upgrade() -> None:
    """Go one step up."""
    rebuild(('box_id', 'client_id'))


def rebuild(key: tuple[str, ...]) -> None:
    """Give the table another primary key; its rows stay."""
    op.drop_index(op.f('ix_exclusion_lists_client_id'), table_name='exclusion_lists')
    op.rename_table('exclusion_lists', 'exclusion_lists_before')
    if op.get_bind().dialect.name == 'postgresql':
        op.execute("ALTER TABLE exclusion_lists_before DROP CONSTRAINT pk_exclusion_lists")
    op.create_table('exclusion_lists',
    sa.Column('box_id', sa.Uuid(), nullable=False),
    sa.Column('client_id', sa.Uuid(), nullable=False),
    sa.PrimaryKeyConstraint(*key, name=op.f('pk_exclusion_lists')),
    info={'world': 'client'}
    )
    op.create_index(op.f('ix_exclusion_lists_client_id'), 'exclusion_lists', ['client_id'])
    op.execute("INSERT INTO exclusion_lists (box_id, client_id) SELECT box_id, client_id FROM exclusion_lists_before")
    op.drop_table('exclusion_lists_before')


def downgrade() -> None:
    """Go one step back; a list that stands under two ids cannot."""
    several = "SELECT box_id FROM exclusion_lists GROUP BY box_id HAVING count(*) > 1"
    if op.get_bind().scalar(sa.text(several)) is not None:
        raise RuntimeError("a list stands under two ids of one person; the step back would lose one")
    rebuild(('box_id',))
