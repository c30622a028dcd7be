"""P3, P4 and P16 on one house that grows: an empty house first, then every size of the plan."""

from contextlib import ExitStack
from pathlib import Path
from uuid import UUID

from bench.crowd import Crowd, count_of
from bench.floor import Notes
from bench.measure import Act, Figure, Plan, growth, say
from bench.opening import all_notes, open_case_figures
from bench.saving import TEXT, new_draft, save_figures, writers_at_once
from bench.stage import NOTES, copied, new_case, write_notes
from bench.storage import bytes_per_note
from counsel.audit.models import AuditLine
from counsel.records.models import Item
from tests.conftest import Centre

SCATTER = 10  # cases that are laid between two notes come in tens of notes


def notes(centre: Centre, folder: Path, plan: Plan) -> Figure:
    """Measure P16, let the house grow, then measure P3 and P4 at its largest size, and beside its smaller copies."""
    case_id = new_case(centre, "B1")
    storage = bytes_per_note(centre, case_id, folder)
    crowd, sizes = Crowd(centre, case_id), {}
    opened: dict[int, Act] = {}
    saved: dict[int, Act] = {}
    with ExitStack() as stack:
        for number, size in enumerate(plan.notes, 1):
            say(f"a house of {size} notes")
            case_id = scattered_case(centre, crowd, f"B{number}", size) if number > 1 else case_id
            crowd.grow(max(0, size - count_of(centre, Item)))
            last = number == len(plan.notes)
            house = centre if last else stack.enter_context(copied(centre, folder / f"notes-{size}"))
            have = count_of(house, Item)
            sizes[str(have)] = {"items": have, "audit_lines": count_of(house, AuditLine)}
            opened[have] = lambda house=house, case_id=case_id: all_notes(house, case_id)
            saved[have] = new_draft(house, case_id).save
        return {"sizes": sizes, "P16_bytes_per_note": storage} | _measured(centre, case_id, folder, plan, opened, saved)


def _measured(centre: Centre, case_id: UUID, folder: Path, plan: Plan, opened: dict[int, Act], saved: dict[int, Act]) -> Figure:
    say("P3, P4")
    floor = Notes(folder)
    floor.fill(max(plan.notes), TEXT)
    opening = open_case_figures(centre, case_id, floor, plan) | {"flat": growth(plan, opened, of="items")}
    saving = save_figures(centre, case_id, floor, plan) | {"flat": growth(plan, saved, of="items and audit lines")}
    saving["writers"] = writers_at_once(centre, case_id, folder, plan)
    return {"case_id": case_id, "P3_open_case_of_100_notes": opening, "P4_save_draft": saving}


def scattered_case(centre: Centre, crowd: Crowd, student: str, size: int) -> UUID:
    """Make a case whose notes lie scattered among everybody else's, as they do when written over the years."""
    case_id = new_case(centre, student)
    between = (size - count_of(centre, Item)) // NOTES - SCATTER
    write_notes(centre, case_id, NOTES, lambda: crowd.grow(between) if between > 0 else None)
    return case_id
