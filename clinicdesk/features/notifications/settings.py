"""Reads what the clinic sends to patients, and when it reminds them."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Connection, select
from sqlalchemy.orm import Session

from clinicdesk.features.notifications.models import MessagingSettings, ReminderRule
from clinicdesk.features.notifications.schemas import Channel, MessagingRow, ReminderRuleRow

_m = MessagingSettings.__table__.c
_MESSAGING = select(_m.email, _m.sms, _m.notices, _m.grace_seconds, _m.version)


def load_messaging(session: Session | Connection) -> MessagingRow:
    """What the clinic sends; version 0 where it was never set, and then it sends nothing."""
    row = session.execute(_MESSAGING).one_or_none()
    if row is None:
        return MessagingRow()
    return MessagingRow(row.email, row.sms, row.notices, timedelta(seconds=row.grace_seconds), row.version)


def load_rules(session: Session) -> list[ReminderRuleRow]:
    """Every reminder rule, the earliest reminder of a visit first."""
    rules = session.scalars(select(ReminderRule).order_by(ReminderRule.minutes_before.desc(), ReminderRule.id))
    return [rule_row(rule) for rule in rules]


def rule_row(rule: ReminderRule) -> ReminderRuleRow:
    channel = Channel(rule.channel) if rule.channel else None
    return ReminderRuleRow(rule.id, rule.type_id, rule.minutes_before, channel, rule.version)
