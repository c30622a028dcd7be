"""volumes: closed cases on their way into the archive, and in it; what is filed can neither change nor grow."""

import sqlalchemy as sa
from alembic import op

revision = '0017'
down_revision = '0016'

NOTICES = ('time_confirmed', 'time_offered', 'time_cancelled', 'form_waits', 'signature_given', 'case_arrives', 'task_overdue',
           'level_raised', 'conflict_found', 'question_asked', 'answered', 'package', 'approve', 'decided', 'look_back', 'told',
           'event', 'pattern', 'recording')
BOXES = (
    *('group', 'card', 'request', 'case', 'shared', 'concern', 'task', 'process', 'safety', 'disclosure', 'package', 'exclusion'),
    *('report', 'material', 'recording'),
)
FILED = "SELECT 1 FROM cases c WHERE c.state = 'archived' AND {row}.box_id IN (c.box_id, c.shared_box_id)"
OF_FILED = (
    "SELECT 1 FROM items i JOIN cases c ON i.box_id IN (c.box_id, c.shared_box_id) "
    "WHERE c.state = 'archived' AND i.kind <> 'agree' AND i.item_id = {row}.item_id"
)
BROUGHT = "SELECT 1 FROM cases c WHERE c.state = 'archived' AND c.case_id = {row}.case_id"
UNFILED = "{old}.state = 'archived' AND {new}.state <> 'archived'"
GUARDED = {
    ('items', 'INSERT'): "NEW.kind <> 'agree' AND EXISTS (" + FILED.format(row='NEW') + ")",
    ('items', 'UPDATE'): "OLD.kind <> 'agree' AND EXISTS (" + FILED.format(row='OLD') + ")",
    ('items', 'DELETE'): "EXISTS (" + FILED.format(row='OLD') + ")",
    ('bodies', 'INSERT'): "EXISTS (" + OF_FILED.format(row='NEW') + ")",
    ('bodies', 'UPDATE'): "EXISTS (" + OF_FILED.format(row='OLD') + ")",
    ('bodies', 'DELETE'): "EXISTS (" + OF_FILED.format(row='OLD') + ")",
    ('materials', 'INSERT'): "EXISTS (" + BROUGHT.format(row='NEW') + ")",
    ('materials', 'UPDATE'): "OLD.consent_id IS NULL AND EXISTS (" + BROUGHT.format(row='OLD') + ")",
    ('materials', 'DELETE'): "EXISTS (" + BROUGHT.format(row='OLD') + ")",
    ('cases', 'UPDATE'): UNFILED.format(old='OLD', new='NEW'),
    ('volumes', 'UPDATE'): "OLD.state = 'sealed' AND (NEW.state <> 'sealed' OR NEW.code <> OLD.code OR NEW.items <> OLD.items)",
    ('volumes', 'DELETE'): "OLD.state = 'sealed'",
}


def upgrade() -> None:
    """Go one step up."""
    op.create_table('volumes',
    sa.Column('volume_id', sa.Uuid(), nullable=False),
    sa.Column('case_id', sa.Uuid(), nullable=False),
    sa.Column('case_no', sa.Integer(), nullable=False),
    sa.Column('counsellor_id', sa.Uuid(), nullable=False),
    sa.Column('box_id', sa.Uuid(), nullable=False),
    sa.Column('state', sa.String(length=10), nullable=False),
    sa.Column('round', sa.Integer(), nullable=False),
    sa.Column('year', sa.Integer(), nullable=False),
    sa.Column('retention', sa.String(length=4), nullable=False),
    sa.Column('keep_until', sa.Date(), nullable=False),
    sa.Column('items', sa.Integer(), nullable=False),
    sa.Column('pages', sa.Integer(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=True),
    sa.Column('code', sa.String(length=40), nullable=True),
    sa.Column('place', sa.String(length=60), nullable=False),
    sa.Column('submitted_on', sa.Date(), nullable=False),
    sa.Column('answered_on', sa.Date(), nullable=True),
    sa.Column('archivist_id', sa.Uuid(), nullable=True),
    sa.Column('escrow_sealed', sa.LargeBinary(), nullable=True),
    sa.CheckConstraint("state IN ('submitted', 'returned', 'sealed')", name=op.f('ck_volumes_state')),
    sa.CheckConstraint("retention IN ('D10', 'D30')", name=op.f('ck_volumes_retention')),
    sa.CheckConstraint("(state = 'sealed') = (number IS NOT NULL)", name=op.f('ck_volumes_sealed_has_number')),
    sa.CheckConstraint("(state = 'submitted') = (escrow_sealed IS NOT NULL)", name=op.f('ck_volumes_escrow_while_submitted')),
    sa.PrimaryKeyConstraint('volume_id', name=op.f('pk_volumes')),
    sa.UniqueConstraint('case_id', name=op.f('uq_volumes_case_id')),
    sa.UniqueConstraint('code', name=op.f('uq_volumes_code')),
    sa.UniqueConstraint('year', 'retention', 'number', name=op.f('uq_volumes_year')),
    info={'world': 'client'}
    )
    op.create_index(op.f('ix_volumes_counsellor_id'), 'volumes', ['counsellor_id'])
    op.create_index('ix_volumes_list', 'volumes', ['state', 'year', 'retention', 'number'])
    op.add_column('cases', sa.Column('handed_in', sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_index('ix_cases_filing', 'cases', ['state', 'handed_in', 'closed_on'])
    op.create_index(op.f('ix_cases_box_id'), 'cases', ['box_id'])
    op.create_index(op.f('ix_cases_shared_box_id'), 'cases', ['shared_box_id'])
    kinds('notices', (*NOTICES, 'volume'))
    kinds('boxes', (*BOXES, 'volume'))
    sealed_for_good()


def kinds(table_name: str, allowed: tuple[str, ...]) -> None:
    """Let rows of a table be of these kinds."""
    with op.batch_alter_table(table_name) as table:
        table.drop_constraint(op.f(f'ck_{table_name}_kind'), type_='check')
        table.create_check_constraint(op.f(f'ck_{table_name}_kind'), f"kind IN {allowed}")


def sealed_for_good() -> None:
    """What lies in a filed case is not written, changed or taken away; a yes can still be taken back."""
    for (table, act), when in GUARDED.items():
        name = f'{table}_filed_{act.lower()}'
        if op.get_bind().dialect.name == 'sqlite':
            op.execute(f"CREATE TRIGGER {name} BEFORE {act} ON {table} WHEN {when} BEGIN SELECT RAISE(ABORT, 'volume is sealed'); END")
            continue
        back = 'OLD' if act == 'DELETE' else 'NEW'
        op.execute(
            f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"IF {when} THEN RAISE EXCEPTION 'volume is sealed'; END IF; RETURN {back}; END $$"
        )
        op.execute(f"CREATE TRIGGER {name} BEFORE {act} ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()")


def downgrade() -> None:
    """Go one step back; what was filed lies closed again, its keys with the archive."""
    for (table, act), _when in GUARDED.items():
        name = f'{table}_filed_{act.lower()}'
        op.execute(f"DROP TRIGGER {name}" + ("" if op.get_bind().dialect.name == 'sqlite' else f" ON {table}"))
        if op.get_bind().dialect.name != 'sqlite':
            op.execute(f"DROP FUNCTION {name}()")
    op.drop_index('ix_cases_filing', 'cases')
    op.drop_index(op.f('ix_cases_shared_box_id'), 'cases')
    op.drop_index(op.f('ix_cases_box_id'), 'cases')
    with op.batch_alter_table('cases') as table:
        table.drop_column('handed_in')
    op.execute("DELETE FROM grants WHERE box_id IN (SELECT box_id FROM boxes WHERE kind = 'volume')")
    op.drop_table('volumes')
    op.execute("DELETE FROM boxes WHERE kind = 'volume'")
    op.execute("DELETE FROM notices WHERE kind = 'volume'")
    kinds('boxes', BOXES)
    kinds('notices', NOTICES)
