"""the guardian's own answer to a form stands beside the client's; it no longer stands as a column of the consent."""

import sqlalchemy as sa
from alembic import op

revision = '0004'
down_revision = '0003'


def upgrade() -> None:
    """Go one step up: every answer so far was the client's."""
    op.add_column('agreements', sa.Column('party', sa.String(length=8), nullable=False, server_default='client'))
    with op.batch_alter_table('agreements') as table:
        table.alter_column('party', server_default=None, existing_type=sa.String(length=8), existing_nullable=False)
        table.create_check_constraint(op.f('ck_agreements_party'), "party IN ('client', 'guardian')")
    op.drop_column('consents', 'guardian_complete')


def downgrade() -> None:
    """Go one step back: the house before knew no answer of a guardian, and asks the guardian anew."""
    op.add_column('consents', sa.Column('guardian_complete', sa.Boolean(), nullable=False, server_default=sa.false()))
    with op.batch_alter_table('consents') as table:
        table.alter_column('guardian_complete', server_default=None, existing_type=sa.Boolean(), existing_nullable=False)
    op.execute("DELETE FROM agreements WHERE party = 'guardian'")
    with op.batch_alter_table('agreements') as table:
        table.drop_constraint(op.f('ck_agreements_party'), type_='check')
    op.drop_column('agreements', 'party')
