"""beside the case: bookings, disclosures and reports of a filed case stay as they were; of a sealed volume only its place changes."""

from alembic import op

revision = '0025'
down_revision = '0024'

KINDS = "('F01', 'F09', 'report')"  # what is added to a report later is added all the same
BESIDE = (
    "SELECT 1 FROM boxes b JOIN cases c ON b.parent_id IN (c.box_id, c.shared_box_id) "
    "WHERE c.state = 'archived' AND b.kind IN ('request', 'disclosure', 'report') AND b.box_id = {row}.box_id"
)
OF_BESIDE = (
    "SELECT 1 FROM items i JOIN boxes b ON b.box_id = i.box_id JOIN cases c ON b.parent_id IN (c.box_id, c.shared_box_id) "
    f"WHERE c.state = 'archived' AND b.kind IN ('request', 'disclosure', 'report') AND i.kind IN {KINDS} "
    "AND i.item_id = {row}.item_id"
)
GUARDED = {
    ('items', 'INSERT'): f"NEW.kind IN {KINDS} AND EXISTS (" + BESIDE.format(row='NEW') + ")",
    ('items', 'UPDATE'): f"OLD.kind IN {KINDS} AND EXISTS (" + BESIDE.format(row='OLD') + ")",
    ('items', 'DELETE'): f"OLD.kind IN {KINDS} AND EXISTS (" + BESIDE.format(row='OLD') + ")",
    ('bodies', 'INSERT'): "EXISTS (" + OF_BESIDE.format(row='NEW') + ")",
    ('bodies', 'UPDATE'): "EXISTS (" + OF_BESIDE.format(row='OLD') + ")",
    ('bodies', 'DELETE'): "EXISTS (" + OF_BESIDE.format(row='OLD') + ")",
    ('volumes', 'UPDATE'): (
        "OLD.state = 'sealed' AND (NEW.pages <> OLD.pages OR NEW.retention <> OLD.retention OR NEW.year <> OLD.year "
        "OR NEW.number <> OLD.number OR NEW.keep_until <> OLD.keep_until OR NEW.box_id <> OLD.box_id)"
    ),
}


def upgrade() -> None:
    """Go one step up."""
    op.create_index('ix_boxes_parent_id', 'boxes', ['parent_id'])
    for (table, act), when in GUARDED.items():
        name = f'{table}_beside_{act.lower()}'
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
    """Go one step back."""
    for table, act in GUARDED:
        name = f'{table}_beside_{act.lower()}'
        op.execute(f"DROP TRIGGER {name}" + ("" if op.get_bind().dialect.name == 'sqlite' else f" ON {table}"))
        if op.get_bind().dialect.name != 'sqlite':
            op.execute(f"DROP FUNCTION {name}()")
    op.drop_index('ix_boxes_parent_id', 'boxes')
