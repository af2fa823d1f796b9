"""The verbs of what the clinic sends to patients, when it reminds them, and how each wants to be reached."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy import insert

from clinicdesk.core.errors import Conflict, InvalidInput, NotFound
from clinicdesk.core.ids import new_id
from clinicdesk.core.permissions import Permission
from clinicdesk.core.tx import Action, Change, Tx, verb
from clinicdesk.features.appointments.models import AppointmentType
from clinicdesk.features.notifications.models import ContactPreference, MessagingSettings, ReminderRule
from clinicdesk.features.notifications.planning import replan_upcoming
from clinicdesk.features.notifications.schemas import (
    ContactPreferenceRow,
    MessagingRow,
    Reach,
    ReminderRuleRow,
    SaveReminderRule,
)
from clinicdesk.features.notifications.settings import load_messaging, load_rules, rule_row
from clinicdesk.features.patients.record import load as load_patient

LONGEST_GRACE = timedelta(hours=1)
SHORTEST_NOTICE, LONGEST_NOTICE = 15, 30 * 24 * 60
"""Minutes before a visit at which a reminder may be sent."""
MOST_RULES = 20


@verb(Permission.SEE_MESSAGES, writes=False)
def messaging(tx: Tx) -> MessagingRow:
    """What the clinic sends to patients, and how long an undo can stop it."""
    return load_messaging(tx.session)


@verb(Permission.MANAGE_CLINIC)
def edit_messaging(tx: Tx, request: MessagingRow) -> MessagingRow:
    """Change what the clinic sends; `version` is the one that the editor saw. Visits to come are planned anew.

    Raises Conflict("changed_meanwhile"), InvalidInput("out_of_range").
    """
    before = load_messaging(tx.session)
    if before.version != request.version:
        raise Conflict("changed_meanwhile")
    if not timedelta() <= request.grace <= LONGEST_GRACE:
        raise InvalidInput("out_of_range", field="grace", least=0, most=LONGEST_GRACE.seconds)
    values = {
        "email": request.email,
        "sms": request.sms,
        "notices": request.notices,
        "grace_seconds": int(request.grace.total_seconds()),
        "version": before.version + 1,
    }
    if before.version == 0:
        tx.session.execute(insert(MessagingSettings).values(id=1, **values))
        tx.record(Change("messaging_settings", None, Action.CREATE, None, values))
    else:
        row = tx.session.get_one(MessagingSettings, 1)
        old = {name: getattr(row, name) for name in values}
        for name, value in values.items():
            setattr(row, name, value)
        tx.session.flush()
        new = {name: value for name, value in values.items() if value != old[name]}
        tx.record(Change("messaging_settings", None, Action.UPDATE, {name: old[name] for name in new}, new))
    replan_upcoming(tx)
    return load_messaging(tx.session)


@verb(Permission.SEE_MESSAGES, writes=False)
def reminder_rules(tx: Tx) -> list[ReminderRuleRow]:
    """When the clinic reminds, the earliest reminder of a visit first."""
    return load_rules(tx.session)


@verb(Permission.MANAGE_CLINIC)
def save_reminder_rule(tx: Tx, request: SaveReminderRule) -> ReminderRuleRow:
    """Add a rule, or give one new values. Visits to come are planned anew.

    Raises InvalidInput("out_of_range", "too_many"), NotFound("rule_not_found", "type_not_found"), Conflict("rule_exists",
    "changed_meanwhile").
    """
    if not SHORTEST_NOTICE <= request.minutes_before <= LONGEST_NOTICE:
        raise InvalidInput("out_of_range", field="minutes_before", least=SHORTEST_NOTICE, most=LONGEST_NOTICE)
    if request.type_id is not None and tx.session.get(AppointmentType, request.type_id) is None:
        raise NotFound("type_not_found")
    others = [rule for rule in load_rules(tx.session) if rule.id != request.id]
    if len(others) >= MOST_RULES:
        raise InvalidInput("too_many", field="minutes_before", most=MOST_RULES)
    if any((rule.type_id, rule.minutes_before) == (request.type_id, request.minutes_before) for rule in others):
        raise Conflict("rule_exists")
    channel = request.channel.value if request.channel else ""
    if request.id is None:
        rule = ReminderRule(
            id=new_id(), version=1, type_id=request.type_id, minutes_before=request.minutes_before, channel=channel
        )
        tx.session.add(rule)
        tx.record(Change.created(rule))
    else:
        rule = _rule(tx, request.id, request.version)
        rule.type_id, rule.minutes_before, rule.channel = request.type_id, request.minutes_before, channel
        tx.record(Change.updated(rule))
    tx.session.flush()
    replan_upcoming(tx)
    return rule_row(rule)


@verb(Permission.MANAGE_CLINIC)
def remove_reminder_rule(tx: Tx, id_: UUID, version: int) -> None:
    """No longer remind by a rule; what waits because of it is taken back. Raises NotFound, Conflict("changed_meanwhile")."""
    rule = _rule(tx, id_, version)
    old = {"type_id": rule.type_id, "minutes_before": rule.minutes_before, "channel": rule.channel}
    tx.session.delete(rule)
    tx.record(Change("reminder_rule", id_, Action.DELETE, old, None))
    tx.session.flush()
    replan_upcoming(tx)


@verb(Permission.OPEN_PATIENT, concurrent=True, of_patient=True)
def contact_preference(tx: Tx, patient_id: UUID) -> ContactPreferenceRow:
    """How a patient wants to be reached; by any way where nobody has said. Audited.

    Raises NotFound("patient_not_found"), Conflict("patient_merged").
    """
    tx.reach(patient_id)
    load_patient(tx, patient_id)
    tx.record(Change("contact_preference", patient_id, Action.READ, patient_id=patient_id))
    return _preference(tx, patient_id)


@verb(Permission.CHOOSE_CONTACT, of_patient=True)
def set_contact_preference(tx: Tx, request: ContactPreferenceRow) -> ContactPreferenceRow:
    """Note how a patient wants to be reached, or that they do not; `version` is the one that the editor saw.

    Raises NotFound("patient_not_found"), Conflict("changed_meanwhile", "patient_merged").
    """
    tx.reach(request.patient_id)
    load_patient(tx, request.patient_id)
    before = _preference(tx, request.patient_id)
    if before.version != request.version:
        raise Conflict("changed_meanwhile")
    if before.version == 0:
        chosen = ContactPreference(id=request.patient_id, version=1, reach=request.reach.value)
        tx.session.add(chosen)
        tx.record(Change.created(chosen, patient_id=request.patient_id))
    else:
        chosen = tx.session.get_one(ContactPreference, request.patient_id)
        chosen.reach = request.reach.value
        tx.record(Change.updated(chosen, patient_id=request.patient_id))
    tx.session.flush()
    return ContactPreferenceRow(chosen.id, Reach(chosen.reach), chosen.version)


def _preference(tx: Tx, patient_id: UUID) -> ContactPreferenceRow:
    found = tx.session.get(ContactPreference, patient_id)
    return ContactPreferenceRow(patient_id, Reach(found.reach) if found else Reach.ANY, found.version if found else 0)


def _rule(tx: Tx, id_: UUID, version: int) -> ReminderRule:
    rule = tx.session.get(ReminderRule, id_)
    if rule is None:
        raise NotFound("rule_not_found")
    if rule.version != version:
        raise Conflict("changed_meanwhile")
    return rule
