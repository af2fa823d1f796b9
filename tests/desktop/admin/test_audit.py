"""The audit log on the screen: newest first, found by words, read page by page; its chain is walked and a break is shown."""

from __future__ import annotations

import importlib
from datetime import timedelta
from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication
from sqlalchemy import text

from clinicdesk.core.tx import VERBS
from clinicdesk.desktop.admin import audit_pane, deeds
from clinicdesk.desktop.admin.audit_pane import AuditPane
from clinicdesk.features.audit.schemas import AuditQuery
from clinicdesk.features.audit.service import list_entries
from clinicdesk.features.practitioners.schemas import SaveSite
from clinicdesk.features.practitioners.service import save_site
from tests.conftest import Hands
from tests.desktop.admin.conftest import Admin
from tests.desktop.keyboard import CTRL, press, type_text


def said(pane: AuditPane, column: str) -> list[str]:
    at = audit_pane.AuditModel.Column[column]
    return [pane.model.cell(row, at).text for row in pane.model.rows()]


def test_the_newest_entry_stands_first_and_reading_is_logged(admin: Admin) -> None:
    pane = admin.users.audit
    admin.until(lambda: bool(pane.model.rows()))
    sequence = [row.seq for row in pane.model.rows()]
    assert sequence == sorted(sequence, reverse=True)
    assert "Added user" in said(pane, "DID")
    assert ("ph.eye", "Reading this log is itself logged") in admin.screen.counts()
    newest = admin.write(lambda tx: list_entries(tx, AuditQuery(text="audit.list_entries")))
    assert newest.rows


def test_words_find_entries(admin: Admin) -> None:
    pane = admin.users.audit
    press(Qt.Key.Key_F, CTRL)
    assert QApplication.focusWidget() is pane.search
    type_text("added user")
    press(Qt.Key.Key_Return)
    admin.until(lambda: set(said(pane, "DID")) == {"Added user"})
    assert QApplication.focusWidget() is pane.table


def test_today_leaves_the_days_before_out(admin: Admin, clock: Hands) -> None:
    clock.now += timedelta(days=1)
    admin.write(lambda tx: save_site(tx, SaveSite("Elsewhere")))
    pane = admin.users.audit
    pane.search.setText("changed site")
    pane.refresh()
    admin.until(lambda: said(pane, "DID") == ["Changed site"] * 2)
    pane.today.click()
    admin.until(lambda: said(pane, "DID") == ["Changed site"])
    assert said(pane, "TIME") == ["10:42:00"]


def test_the_end_of_the_list_reads_on(admin: Admin) -> None:
    for number in range(250):
        admin.write(partial(save_site, request=SaveSite(f"Site {number}")))
    pane = admin.users.audit
    pane.refresh()
    admin.until(lambda: len(pane.model.rows()) == 200)
    pane.table.setFocus()
    press(Qt.Key.Key_End, CTRL)
    admin.until(lambda: len(pane.model.rows()) > 250)
    assert pane.model.rows()[-1].seq == 1


def test_every_verb_that_is_logged_has_words() -> None:
    for module in ("cli", "features.demo.service", "features.interop.tables"):
        importlib.import_module(f"clinicdesk.{module}")
    ours = {name for name, verb in VERBS.items() if verb.writes and not name.startswith("test_")}
    assert sorted(ours - deeds.DEEDS.keys()) == []


def test_the_chain_is_verified_when_the_log_is_opened(admin: Admin) -> None:
    pane = admin.users.audit
    admin.until(lambda: pane.badge.text().startswith("Chain verified to 10:42"))
    assert pane.broken.isHidden()


def test_a_break_is_named_and_leads_to_its_entry(admin: Admin) -> None:
    pane = admin.users.audit
    admin.until(lambda: pane.verify_button.isEnabled())
    with admin.db.engine.begin() as connection:
        for trigger in (
            connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).scalars().all()
        ):
            if "audit" in trigger:
                connection.execute(text(f"DROP TRIGGER {trigger}"))
        connection.execute(text("UPDATE audit_entry SET actor_name = 'Nobody' WHERE seq = 3"))
    pane.verify_button.click()
    admin.until(pane.broken.isVisible)
    assert pane.broken.text() == "Chain broken at entry 3"
    assert pane.broken.accessibleDescription() == "This entry was changed, moved or put in between."
    pane.broken.click()
    admin.until(lambda: pane.current() is not None and pane.current().seq == 3)
    assert QApplication.focusWidget() is pane.table


def test_a_history_that_differs_is_named_and_leads_to_its_entry(admin: Admin) -> None:
    pane = admin.users.audit
    admin.until(lambda: pane.verify_button.isEnabled())
    with admin.db.engine.begin() as connection:
        connection.execute(text("DROP TRIGGER history_entry_refuses_update"))
        connection.execute(text("UPDATE history_entry SET new = '{}' WHERE audit_seq = 2"))
    pane.verify_button.click()
    admin.until(pane.broken.isVisible)
    assert pane.broken.text() == "History differs from entry 2"
    assert pane.broken.toolTip() == (
        "What records were before and after is not what the log vouches for. Edited: 1. The oldest is of 10:42."
    )
    pane.broken.click()
    admin.until(lambda: pane.current() is not None and pane.current().seq == 2)
