"""The roles of `domain` §0 and which of them one person must not combine."""

from enum import StrEnum


class Role(StrEnum):
    """Who somebody is while signed in; an account acts in one role at a time and the log keeps which."""

    STUDENT = "student"  # 来访者（学生）, also staff or a parent who comes as a client
    GUARDIAN = "guardian"  # 监护人
    HEAD_TEACHER = "head_teacher"  # 班主任, class teacher in English
    COUNSELLOR = "counsellor"  # 心理咨询师
    SUPERVISOR = "supervisor"  # 督导师
    DIRECTOR = "director"  # 中心负责人, a counsellor
    DUTY_MANAGER = "duty_manager"  # 值班主管, runs the desk
    FRONT_DESK = "front_desk"  # 前台
    ARCHIVIST = "archivist"  # 档案管理员
    SCHOOL_LEADER = "school_leader"  # 校领导
    EXPERT = "expert"  # 咨询专家
    SYSADMIN = "sysadmin"  # 系统管理员


STAFF = tuple(role for role in Role if role not in (Role.STUDENT, Role.GUARDIAN))
READING = (Role.COUNSELLOR, Role.SUPERVISOR, Role.DIRECTOR, Role.FRONT_DESK, Role.ARCHIVIST, Role.EXPERT)
KEY_HOLDING = (Role.COUNSELLOR, Role.DIRECTOR, Role.FRONT_DESK, Role.ARCHIVIST, Role.SUPERVISOR)
RECEIVING = (Role.HEAD_TEACHER, Role.SCHOOL_LEADER, Role.DUTY_MANAGER)  # may be told something: their keys are vouched for
CERTIFIED = (*KEY_HOLDING, *RECEIVING)
APPROVING = (Role.DIRECTOR, Role.DUTY_MANAGER, Role.SCHOOL_LEADER)


def combination_problem(roles: set[Role]) -> str | None:
    """Return why one person must not hold these roles together, or None.

    The administrator may neither read nor be anybody who reads (design §2); roles are otherwise free to combine.
    """
    if Role.SYSADMIN in roles and roles & set(READING):
        return "sysadmin_reads"
    return None
