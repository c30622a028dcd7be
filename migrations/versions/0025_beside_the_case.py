"""beside the case: bookings, disclosures and reports of a filed case stay as they were; of a sealed volume only its place changes."""

from alembic import op

revision = '0025'
down_revision = '0024'

INSIDE = "c.state = 'archived' AND b.kind IN ('request', 'disclosure', 'report')"
OPENS_IT = "JOIN cases c ON b.parent_id IN (c.box_id, c.shared_box_id)"
BESIDE = f"EXISTS (SELECT 1 FROM boxes b {OPENS_IT} WHERE {INSIDE} AND b.box_id = {{row}}.box_id)"
# a disclosure or report begun while the volume waited is signed afterwards all the same: a life does not wait
DONE = "({row}.kind = 'F01' OR ({row}.kind IN ('F09', 'report') AND {row}.state = 'signed'))"
OF_DONE = (
    f"EXISTS (SELECT 1 FROM items i JOIN boxes b ON b.box_id = i.box_id {OPENS_IT} WHERE {INSIDE} "
    "AND (i.kind = 'F01' OR (i.kind IN ('F09', 'report') AND {row}.revision > 0)) AND i.item_id = {row}.item_id)"
)
OF_BOOKING = (
    f"EXISTS (SELECT 1 FROM items i JOIN boxes b ON b.box_id = i.box_id {OPENS_IT} WHERE {INSIDE} "
    "AND i.kind = 'F01' AND i.item_id = {row}.item_id)"
)
GUARDED = {
    ('items', 'INSERT'): "NEW.kind = 'F01' AND " + BESIDE.format(row='NEW'),
    ('items', 'UPDATE'): DONE.format(row='OLD') + " AND " + BESIDE.format(row='OLD'),
    ('items', 'DELETE'): DONE.format(row='OLD') + " AND " + BESIDE.format(row='OLD'),
    ('bodies', 'INSERT'): OF_BOOKING.format(row='NEW'),
    ('bodies', 'UPDATE'): OF_DONE.format(row='OLD'),
    ('bodies', 'DELETE'): OF_DONE.format(row='OLD'),
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
