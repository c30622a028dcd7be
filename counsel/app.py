"""create_app() and main(): the only module that knows every room, command and job."""

import counsel.audit.models
import counsel.pathway.appointments.concerns
import counsel.pathway.appointments.reception
import counsel.pathway.assessment.services
import counsel.pathway.plans.services
import counsel.pathway.sessions.services
import counsel.people.centre
import counsel.people.founding
import counsel.people.roll
import counsel.roster.services  # noqa: F401
