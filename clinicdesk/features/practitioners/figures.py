"""Whose figures somebody may see: the desk today's, a clinician their own of any day, the administrator all."""

from __future__ import annotations

from uuid import UUID

from clinicdesk.core.errors import NotPermitted
from clinicdesk.core.permissions import Permission
from clinicdesk.core.tx import Tx


def whose_figures(tx: Tx, asked: tuple[UUID, ...] | None, *, only_today: bool) -> tuple[UUID, ...] | None:
    """The practitioners whose figures the caller gets of those asked for; None stands for everybody.

    Raises NotPermitted("figures_of_today", "own_figures", "practitioner_not_linked").
    """
    if tx.actor.may(Permission.SEE_ALL_REPORTS):
        return asked
    if tx.actor.may(Permission.SEE_OWN_REPORTS):
        own = tx.actor.practitioner_id
        if own is None:
            raise NotPermitted("practitioner_not_linked", verb=tx.verb)
        if asked not in (None, (own,)):
            raise NotPermitted("own_figures", verb=tx.verb)
        return (own,)
    if not only_today:
        raise NotPermitted("figures_of_today", verb=tx.verb)
    return asked
