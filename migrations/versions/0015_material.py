"""material that is brought into a case, and its parts; what is kept is sealed for good."""

import sqlalchemy as sa
from alembic import op

revision = '0015'
down_revision = '0014'

KINDS = ('record', 'test', 'letter', 'audio', 'video', 'other')
STATES = ('coming', 'kept', 'erased')
BOXES = (
    *('group', 'card', 'request', 'case', 'shared', 'concern', 'task', 'process', 'safety', 'disclosure', 'package', 'exclusion'),
    'report',
)
GUARDED = {
    'parts_update': ('UPDATE', 'TRUE'),
    'parts_delete': ('DELETE', "(SELECT state FROM materials WHERE material_id = OLD.material_id) = 'kept'"),
}


def upgrade() -> None:
    """Go one step up."""
    op.create_table('materials',
    sa.Column('material_id', sa.Uuid(), nullable=False),
    sa.Column('case_id', sa.Uuid(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(length=8), nullable=False),
    sa.Column('state', sa.String(length=8), nullable=False),
    sa.Column('box_id', sa.Uuid(), nullable=False),
    sa.Column('author_id', sa.Uuid(), nullable=False),
    sa.Column('parts', sa.Integer(), nullable=False),
    sa.Column('on_day', sa.Date(), nullable=False),
    sa.Column('proves_id', sa.Uuid(), nullable=True),
    sa.Column('session_no', sa.Integer(), nullable=True),
    sa.Column('consent_id', sa.Uuid(), nullable=True),
    sa.Column('keep_until', sa.Date(), nullable=True),
    sa.Column('erased_on', sa.Date(), nullable=True),
    sa.CheckConstraint(f"kind IN {KINDS}", name=op.f('ck_materials_kind')),
    sa.CheckConstraint(f"state IN {STATES}", name=op.f('ck_materials_state')),
    sa.CheckConstraint("(state = 'erased') = (erased_on IS NOT NULL)", name=op.f('ck_materials_erased_with_day')),
    sa.PrimaryKeyConstraint('material_id', name=op.f('pk_materials')),
    sa.UniqueConstraint('case_id', 'number', name=op.f('uq_materials_case_id')),
    info={'world': 'client'}
    )
    op.create_index(op.f('ix_materials_box_id'), 'materials', ['box_id'])
    op.create_table('parts',
    sa.Column('material_id', sa.Uuid(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('part_id', sa.Uuid(), nullable=False),
    sa.Column('size', sa.Integer(), nullable=False),
    sa.Column('digest', sa.LargeBinary(), nullable=False),
    sa.ForeignKeyConstraint(['material_id'], ['materials.material_id'], name=op.f('fk_parts_material_id_materials')),
    sa.PrimaryKeyConstraint('material_id', 'number', name=op.f('pk_parts')),
    sa.UniqueConstraint('part_id', name=op.f('uq_parts_part_id')),
    info={'world': 'client'}
    )
    kinds((*BOXES, 'material', 'recording'))
    sealed_for_good()


def kinds(allowed: tuple[str, ...]) -> None:
    """Let boxes be of these kinds."""
    with op.batch_alter_table('boxes') as table:
        table.drop_constraint(op.f('ck_boxes_kind'), type_='check')
        table.create_check_constraint(op.f('ck_boxes_kind'), f"kind IN {allowed}")


def sealed_for_good() -> None:
    """A part never changes, and goes only with a material that was given up or erased."""
    if op.get_bind().dialect.name == 'sqlite':
        for name, (act, when) in GUARDED.items():
            op.execute(f"CREATE TRIGGER {name} BEFORE {act} ON parts WHEN {when} BEGIN SELECT RAISE(ABORT, 'parts is sealed'); END")
        return
    op.execute("CREATE TRIGGER parts_change BEFORE UPDATE ON parts FOR EACH ROW EXECUTE FUNCTION refuse_change()")
    op.execute(
        "CREATE FUNCTION refuse_kept_part() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF {GUARDED['parts_delete'][1]} THEN RAISE EXCEPTION 'parts is sealed'; END IF; RETURN OLD; END $$"
    )
    op.execute("CREATE TRIGGER parts_delete BEFORE DELETE ON parts FOR EACH ROW EXECUTE FUNCTION refuse_kept_part()")


def downgrade() -> None:
    """Go one step back; what was brought in goes with it, its keys first."""
    op.execute("DELETE FROM grants WHERE box_id IN (SELECT box_id FROM boxes WHERE kind IN ('material', 'recording'))")
    op.drop_table('parts')
    if op.get_bind().dialect.name != 'sqlite':
        op.execute("DROP FUNCTION refuse_kept_part()")
    op.drop_table('materials')
    op.execute("DELETE FROM boxes WHERE kind IN ('material', 'recording')")
    kinds(BOXES)
