"""lending: a register of who reads or borrows what, on which ground; what was refused; old paper volumes without a case."""

import sqlalchemy as sa
from alembic import op

revision = '0020'
down_revision = '0019'

NOTICES = ('time_confirmed', 'time_offered', 'time_cancelled', 'form_waits', 'signature_given', 'case_arrives', 'task_overdue',
           'level_raised', 'conflict_found', 'question_asked', 'answered', 'package', 'approve', 'decided', 'look_back', 'told',
           'event', 'pattern', 'recording', 'volume')
BOXES = (
    *('group', 'card', 'request', 'case', 'shared', 'concern', 'task', 'process', 'safety', 'disclosure', 'package', 'exclusion'),
    *('report', 'material', 'recording', 'volume'),
)
BASES = ('returning', 'consent', 'law', 'own_request')
MODES = ('screen', 'room', 'paper', 'copy')
STATES = ('asked', 'approved', 'open', 'returned', 'refused', 'dropped', 'lost')
ENDED = "('returned', 'refused', 'dropped', 'lost')"
CONSENTS = ('none', 'waiting', 'given', 'withdrawn')
CHECKS = {'basis': f"basis IN {BASES}", 'mode': f"mode IN {MODES}", 'consent': f"consent IN {CONSENTS}"}
GUARDED = {
    'UPDATE': "OLD.state = 'sealed' AND (NEW.state <> 'sealed' OR NEW.code <> OLD.code OR NEW.items <> OLD.items)",
    'DELETE': "OLD.state = 'sealed'",
}


def upgrade() -> None:
    """Go one step up."""
    with op.batch_alter_table('tickets') as table:
        table.drop_constraint(op.f('ck_tickets_state'), type_='check')
        table.drop_constraint(op.f('ck_tickets_returned_with_day'), type_='check')
        for column in added():
            table.add_column(column)
        table.alter_column('case_id', existing_type=sa.Uuid(), nullable=True)
        table.create_check_constraint(op.f('ck_tickets_state'), f"state IN {STATES}")
        table.create_check_constraint(op.f('ck_tickets_ended_with_day'), f"(state IN {ENDED}) = (returned_on IS NOT NULL)")
        for name, check in CHECKS.items():
            table.create_check_constraint(op.f(f'ck_tickets_{name}'), check)
        table.create_unique_constraint(op.f('uq_tickets_code_finder'), ['code_finder'])
    op.create_table('loan_refusals',
    sa.Column('number', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('on_day', sa.Date(), nullable=False),
    sa.Column('who', sa.String(length=16), nullable=False),
    sa.Column('clause', sa.String(length=16), nullable=False),
    sa.Column('staff_id', sa.Uuid(), nullable=True),
    sa.CheckConstraint("who IN ('class_teacher', 'guardian', 'leader', 'press', 'student', 'other')", name=op.f('ck_loan_refusals_who')),
    sa.PrimaryKeyConstraint('number', name=op.f('pk_loan_refusals')),
    )
    volumes(nullable=True)
    kinds('notices', (*NOTICES, 'loan'))
    kinds('boxes', (*BOXES, 'ticket', 'reading'))


def added() -> tuple[sa.Column, ...]:
    """Return what a ticket says besides."""
    return (
        sa.Column('number', sa.Integer(), nullable=False, server_default='0'),
        sa.Column('basis', sa.String(length=12), nullable=False, server_default='returning'),
        sa.Column('mode', sa.String(length=8), nullable=False, server_default='screen'),
        sa.Column('consent', sa.String(length=10), nullable=False, server_default='none'),
        sa.Column('asker_id', sa.Uuid(), nullable=True),
        sa.Column('by_director', sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column('decider_id', sa.Uuid(), nullable=True),
        sa.Column('decided_on', sa.Date(), nullable=True),
        sa.Column('renewed', sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column('pages_out', sa.Integer(), nullable=True),
        sa.Column('pages_back', sa.Integer(), nullable=True),
        sa.Column('box_id', sa.Uuid(), nullable=True),
        sa.Column('reading_box_id', sa.Uuid(), nullable=True),
        sa.Column('code_finder', sa.LargeBinary(), nullable=True),
        sa.Column('code_sealed', sa.LargeBinary(), nullable=True),
        sa.Column('code_until', sa.DateTime(timezone=True), nullable=True),
        sa.Column('tries', sa.Integer(), nullable=False, server_default='0'),
    )


def volumes(*, nullable: bool) -> None:
    """Let a volume lie without a case of this system, or not; the triggers that seal it for good are made anew."""
    guard(on=False)
    with op.batch_alter_table('volumes') as table:
        for name, kind in (('case_id', sa.Uuid()), ('case_no', sa.Integer()), ('counsellor_id', sa.Uuid())):
            table.alter_column(name, existing_type=kind, nullable=nullable)
    guard(on=True)


def guard(*, on: bool) -> None:
    """Take the triggers of the table away, or make them."""
    postgresql = op.get_bind().dialect.name != 'sqlite'
    for act, when in GUARDED.items():
        name = f'volumes_filed_{act.lower()}'
        if not on:
            op.execute(f"DROP TRIGGER {name}" + (" ON volumes" if postgresql else ""))
        elif postgresql:
            op.execute(f"CREATE TRIGGER {name} BEFORE {act} ON volumes FOR EACH ROW EXECUTE FUNCTION {name}()")
        else:
            op.execute(f"CREATE TRIGGER {name} BEFORE {act} ON volumes WHEN {when} BEGIN SELECT RAISE(ABORT, 'volume is sealed'); END")


def kinds(table_name: str, allowed: tuple[str, ...]) -> None:
    """Let rows of a table be of these kinds."""
    with op.batch_alter_table(table_name) as table:
        table.drop_constraint(op.f(f'ck_{table_name}_kind'), type_='check')
        table.create_check_constraint(op.f(f'ck_{table_name}_kind'), f"kind IN {allowed}")


def downgrade() -> None:
    """Go one step back; loans on another ground than a client who came back, and paper without a case, cannot."""
    for query in ("SELECT 1 FROM tickets WHERE basis <> 'returning'", "SELECT 1 FROM volumes WHERE case_id IS NULL"):
        if op.get_bind().scalar(sa.text(query)) is not None:
            raise RuntimeError("the register holds loans or paper volumes that the step back would lose")
    op.execute("UPDATE tickets SET state = 'returned' WHERE state IN ('refused', 'dropped', 'lost')")
    op.execute("UPDATE tickets SET state = 'asked' WHERE state = 'approved'")
    volumes(nullable=False)
    op.drop_table('loan_refusals')
    with op.batch_alter_table('tickets') as table:
        for name in ('state', 'ended_with_day', *CHECKS):
            table.drop_constraint(op.f(f'ck_tickets_{name}'), type_='check')
        table.drop_constraint(op.f('uq_tickets_code_finder'), type_='unique')
        for column in added():
            table.drop_column(column.name)
        table.alter_column('case_id', existing_type=sa.Uuid(), nullable=False)
        table.create_check_constraint(op.f('ck_tickets_state'), "state IN ('asked', 'open', 'returned')")
        table.create_check_constraint(op.f('ck_tickets_returned_with_day'), "(state = 'returned') = (returned_on IS NOT NULL)")
    op.execute("DELETE FROM grants WHERE box_id IN (SELECT box_id FROM boxes WHERE kind IN ('ticket', 'reading'))")
    op.execute("DELETE FROM boxes WHERE kind IN ('ticket', 'reading')")
    op.execute("DELETE FROM notices WHERE kind = 'loan'")
    kinds('boxes', BOXES)
    kinds('notices', NOTICES)
