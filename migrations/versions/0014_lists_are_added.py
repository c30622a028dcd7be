"""lists of who must hear nothing stand side by side: one is added, none is replaced."""

import sqlalchemy as sa
from alembic import op

revision = '0014'
down_revision = '0013'


def upgrade() -> None:
    """Go one step up; every list stays."""
    op.create_table('exclusion_lists',
    sa.Column('box_id', sa.Uuid(), nullable=False),
    sa.Column('client_id', sa.Uuid(), nullable=False),
    sa.PrimaryKeyConstraint('box_id', name=op.f('pk_exclusion_lists')),
    info={'world': 'client'}
    )
    op.create_index(op.f('ix_exclusion_lists_client_id'), 'exclusion_lists', ['client_id'])
    op.execute("INSERT INTO exclusion_lists (box_id, client_id) SELECT box_id, client_id FROM exclusions")
    op.drop_table('exclusions')


def downgrade() -> None:
    """Go one step back; refused while a client has several lists, for the table before holds one and would lose the others."""
    several = "SELECT client_id FROM exclusion_lists GROUP BY client_id HAVING count(*) > 1"
    if op.get_bind().execute(sa.text(several)).first() is not None:
        raise RuntimeError('a client has several lists of who must hear nothing: going back would lose some of them')
    op.create_table('exclusions',
    sa.Column('client_id', sa.Uuid(), nullable=False),
    sa.Column('box_id', sa.Uuid(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('client_id', name=op.f('pk_exclusions')),
    info={'world': 'client'}
    )
    op.execute("INSERT INTO exclusions (client_id, box_id, number) SELECT client_id, box_id, 1 FROM exclusion_lists")
    op.drop_table('exclusion_lists')
