"""tasks for answers that a client waits for."""

from alembic import op

revision = '0013'
down_revision = '0012'

TASKS = ('contact', 'review', 'countersign', 'report', 'hand_over', 'approve', 'look_back', 'inform', 'supervise')


def upgrade() -> None:
    """Go one step up."""
    kinds((*TASKS, 'answer'))


def kinds(allowed: tuple[str, ...]) -> None:
    """Let tasks be of these kinds."""
    with op.batch_alter_table('tasks') as table:
        table.drop_constraint(op.f('ck_tasks_kind'), type_='check')
        table.create_check_constraint(op.f('ck_tasks_kind'), f"kind IN {allowed}")


def downgrade() -> None:
    """Go one step back."""
    op.execute("DELETE FROM tasks WHERE kind = 'answer'")
    kinds(TASKS)
