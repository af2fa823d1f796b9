"""One clinic with its desks by one seed: what happens, what is lost on the way, and what has to hold whatever happens."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select

from clinicdesk.core import upkeep
from clinicdesk.core.errors import ClinicError
from clinicdesk.core.history import HistoryEntry, decode
from clinicdesk.core.ids import new_id
from clinicdesk.core.permissions import GRANTS, Permission, Role
from clinicdesk.core.tx import Actor, Database
from clinicdesk.features.appointments import service as appointments
from clinicdesk.features.appointments.models import Appointment
from clinicdesk.features.appointments.schemas import BookAppointment, CancelAppointment
from clinicdesk.features.sync import rules, wire
from clinicdesk.features.sync import service as sync
from clinicdesk.features.sync.entities import SYNCED
from clinicdesk.features.sync.models import OpLedger, SyncConflict
from clinicdesk.features.sync.schemas import DeviceRow, OpAction, Outcome, Pull, Pulled, Push, Snapshot
from clinicdesk.features.tables import MODELS
from clinicdesk.features.users import service as users
from clinicdesk.features.users.schemas import EditUser
from tests.conftest import Hands
from tests.features.appointments.conftest import Place, at
from tests.simulation.desk import HOLDING, Desk, Kept, Row, State, overlap

STEPS = 45
_BATCH = 5
OPERATOR = Actor(None, Role.OPERATOR, "operator", "command line")
CLINICAL = {"medication_request", "medication_dispense", "medication_reminder", "observation"}
_HIDDEN = {"password_hash", "email_verified_at", "content_key", "thumbnail_key", "must_change_password"}


class Lost(Exception):
    """Nobody has answered."""


@dataclass
class Store:
    """Where the server's database can be kept and put back as it was."""

    keep: Callable[[], None]
    put_back: Callable[[], None]


@dataclass
class World:
    """A clinic, its desks, and one source of chance."""

    db: Database
    clock: Hands
    place: Place
    people: dict[Role, Actor]
    devices: list[Actor]
    roles: list[Role]
    """Whose data each desk holds."""
    store: Store
    seed: int
    trace: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)
        self.desks = [Desk(device.name) for device in self.devices]
        self.saved: dict[int, Desk] = {}
        self.revoked: set[int] = set()
        self.late: list[tuple[int, Push]] = []
        self.made: dict[UUID, tuple[int, Kept]] = {}
        self.gone: dict[UUID, tuple[int, Kept]] = {}
        """What was done in a life that a restore has ended: it may have got out, and may not."""
        self.faults = True
        self.kept_server = False
        self.created = 0
        self.chances: dict[Callable[[int], None], float] = {
            self.work: 40, self.sync: 25, self.fetch: 12, self.at_server: 8, self.deliver_late: 4, self.save_desk: 4,
            self.restore_desk: 3, self.keep_server: 2, self.restore_server: 2, self.revoke: 0.6, self.change_scope: 1.5,
            self.change_role: 1,
        }  # fmt: skip
        """What happens, and how often beside the rest."""

    # ---- the run ----------------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Let things happen, then let everybody catch up, and look at what has to hold."""
        for which in range(len(self.desks)):
            self.sync(which)
        for _ in range(STEPS):
            self.clock.now += timedelta(seconds=self.rng.randint(1, 60))
            which = self.rng.randrange(len(self.desks))
            happening = self.rng.choices(list(self.chances), list(self.chances.values()))[0]
            if which not in self.revoked:
                happening(which)
            self.look(which)
        self.faults = False
        for _ in range(4):
            for which in range(len(self.desks)):
                if which not in self.revoked:
                    self.sync(which)
        self.check()

    def say(self, *words: object) -> None:
        self.trace.append(" ".join(map(str, words)))

    # ---- what people do -----------------------------------------------------------------------------------------------

    def work(self, which: int) -> None:
        """Somebody does some things at a desk, whether it has a line or not."""
        for _ in range(self.rng.randint(1, 4)):
            self._deed(which)

    def _deed(self, which: int) -> None:
        desk = self.desks[which]
        if not desk.rows:
            return
        visits = [
            (key, row)
            for key, row in desk.rows.items()
            if key[0] == "appointment" and row.get("status") in ("booked", "arrived")
        ]
        deeds: list[Callable[[Desk, Actor, Any], None]] = [self._book, self._book, self._phone, self._register]
        if visits:
            deeds += [self._move, self._move, self._cancel, self._arrive, self._reason]
        deed = self.rng.choice(deeds)
        role = self.rng.choice([Role.RECEPTIONIST, self.roles[which]])
        chosen = self.rng.choice(visits) if visits else None
        deed(desk, self.people[role], chosen)

    def _do(self, desk: Desk, who: Actor, entity: str, id_: UUID, new: Row) -> None:
        assert who.user_id is not None
        wall = self.clock.now + timedelta(days=self.rng.choice([0, 0, 0, 400, -400]))
        op = desk.do(who.user_id, entity, id_, new, wall)
        self.made[op.op_id] = (self.desks.index(desk), desk.outbox[-1])
        self.say(desk.name, who.role, op.action, entity, sorted(new))

    def _time(self) -> tuple[datetime, datetime]:
        start = at(13, 0, 1) + timedelta(minutes=15 * self.rng.randrange(12))
        return start, start + timedelta(minutes=30)

    def _free(self, desk: Desk, wanted: Row, but: UUID | None) -> bool:
        return not any(
            overlap(wanted, row)
            for key, row in desk.rows.items()
            if key[0] == "appointment" and key[1] != but and row.get("status") in HOLDING
        )

    def _book(self, desk: Desk, who: Actor, _: Any) -> None:
        start, end = self._time()
        doctor, room = self.rng.choice(
            [(self.place.lee, self.place.lee_room), (self.place.okafor, self.place.okafor_room)]
        )
        patient = self.rng.choice([self.place.smith, self.place.jones, *self.place.others[:3]])
        new = {
            "patient_id": str(patient), "practitioner_id": str(doctor), "room_id": str(room), "start": start.isoformat(),
            "end": end.isoformat(), "status": "booked", "created_at": self.clock.now.isoformat(),
        }  # fmt: skip
        if self._free(desk, new, None):
            self._do(desk, who, "appointment", new_id(), new)

    def _move(self, desk: Desk, who: Actor, chosen: Any) -> None:
        (_, id_), row = chosen
        start, end = self._time()
        new = {"start": start.isoformat(), "end": end.isoformat()}
        if row["status"] == "booked" and new["start"] != row["start"] and self._free(desk, {**row, **new}, id_):
            self._do(desk, who, "appointment", id_, new)

    def _cancel(self, desk: Desk, who: Actor, chosen: Any) -> None:
        self._do(desk, who, "appointment", chosen[0][1], {"status": "cancelled", "cancel_reason": "pat"})

    def _arrive(self, desk: Desk, who: Actor, chosen: Any) -> None:
        if chosen[1]["status"] == "booked":
            new = {"status": "arrived", "arrived_at": self.clock.now.isoformat()}
            self._do(desk, who, "appointment", chosen[0][1], new)

    def _reason(self, desk: Desk, who: Actor, chosen: Any) -> None:
        words = self.rng.choice(["Cough", "Fever", "Rash"])
        if words != chosen[1].get("reason"):
            self._do(desk, who, "appointment", chosen[0][1], {"reason": words})

    def _phone(self, desk: Desk, who: Actor, _: Any) -> None:
        patient = self.rng.choice([self.place.smith, self.place.jones])
        row = desk.rows.get(("patient", patient))
        phone = str(self.rng.randrange(100, 120))
        if row is not None and row["phone"] != phone:
            self._do(desk, who, "patient", patient, {"phone": phone})

    def _register(self, desk: Desk, who: Actor, _: Any) -> None:
        self.created += 1
        new = {
            "family": f"New{self.created}", "given": "", "number": f"HS-{500 + self.rng.randrange(20):05}",
            "created_at": self.clock.now.isoformat(),
        }  # fmt: skip
        self._do(desk, who, "patient", new_id(), new)

    def at_server(self, _which: int) -> None:
        """Somebody does something at the server itself."""
        who = self.people[Role.RECEPTIONIST]
        start, end = self._time()
        with self.db.engine.connect() as connection:
            booked = connection.execute(
                select(Appointment.id, Appointment.version).where(Appointment.status == "booked").order_by(Appointment.id)
            ).all()  # fmt: skip
        try:
            with self.db.write(who) as tx:
                if booked and self.rng.random() < 0.5:
                    chosen = self.rng.choice(booked)
                    appointments.cancel(tx, CancelAppointment(chosen.id, chosen.version, "prov"))
                else:
                    appointments.book(
                        tx,
                        BookAppointment(self.place.others[4], self.place.lee, start, end - start, outside_hours=True),
                    )
            self.say("server done")
        except ClinicError as error:
            self.say("server", error.reason)

    # ---- what goes over the line --------------------------------------------------------------------------------------

    def ask(self, which: int, what: Callable[[], Any], again: Push | None = None) -> Any:
        """Ask the server: the question may be lost, come twice or come late, and so may the answer be lost."""
        if self.faults:
            fate = self.rng.random()
            if fate < 0.10:
                if again is not None:
                    self.late.append((which, again))
                raise Lost
            if fate < 0.18:
                what()
                raise Lost
            if fate < 0.24:
                what()
        return what()

    def sync(self, which: int) -> None:
        """A desk sends what waits, then fetches what changed; as often as the server has it start over."""
        for _ in range(6):
            try:
                self._send(which)
                self._fetch(which)
                return
            except Lost:
                self.say(self.desks[which].name, "lost")
                if self.faults:
                    return
            except ClinicError as error:
                self.say(self.desks[which].name, error.reason)
                if error.reason == "device_revoked":
                    self.revoked.add(which)
                    return
                if error.reason in ("epoch_changed", "stream_forked", "seq_gap"):
                    self.desks[which].begin_stream()
                if error.reason == "epoch_changed":
                    self.desks[which].epoch = None
                    self.desks[which].start_over()
                elif error.reason in ("scope_changed", "cursor_expired"):
                    self.desks[which].start_over()
                elif error.reason not in ("stream_forked", "seq_gap"):
                    raise
        assert self.faults, "a desk that has a line gets through"

    def fetch(self, which: int) -> None:
        """A desk is told that something changed and fetches it, before it sends what it has."""
        if self.desks[which].cursor is not None and self.desks[which].epoch is not None:
            try:
                self._fetch(which)
            except Lost:
                self.say(self.desks[which].name, "lost")
            except ClinicError as error:  # the next time that it sends it is told as well
                self.say(self.desks[which].name, error.reason)

    def _send(self, which: int) -> None:
        desk, device = self.desks[which], self.devices[which]
        if desk.epoch is None:
            desk.epoch = self.ask(which, lambda: self._hello(device)).epoch
        while ops := desk.waiting(_BATCH):
            assert desk.epoch is not None
            request = Push(rules.PROTOCOL, rules.SCHEMA, desk.epoch, desk.stream_id, ops)
            done = self.ask(which, lambda request=request: sync.push(self.db, device, request), request)  # type: ignore[misc]
            desk.answered(done.results)
            self.say(desk.name, *(one.outcome for one in done.results))

    def _hello(self, device: Actor) -> Any:
        with self.db.read(device) as tx:
            return sync.hello(tx)

    def _fetch(self, which: int) -> None:
        desk, device = self.desks[which], self.devices[which]
        if desk.cursor is None:
            parts: list[Snapshot] = []
            cursor = ""
            while not parts or parts[-1].next:
                with self.db.write(device) as tx:
                    parts.append(sync.snapshot(tx, cursor, 40))
                self._none_hidden(which, ((one.entity, one.row) for one in parts[-1].rows))
                cursor = parts[-1].next or ""
            desk.took_snapshot(parts)
        pages: list[Pulled] = []
        cursor_ = desk.cursor or 0
        while not pages or pages[-1].has_more:
            assert desk.epoch is not None
            request = Pull(rules.PROTOCOL, rules.SCHEMA, desk.epoch, cursor_, desk.scope_hash, 6)
            page = self.ask(which, lambda request=request: self._pull(device, request))  # type: ignore[misc]
            assert page.upto >= cursor_
            assert all(cursor_ < change.seq <= page.upto for change in page.changes)
            self._none_hidden(which, ((change.entity, change.row) for change in page.changes))
            pages.append(page)
            cursor_ = page.upto
        desk.pulled(pages)
        self.say(desk.name, "fetched", sum(len(page.changes) for page in pages))

    def _pull(self, device: Actor, request: Pull) -> Any:
        with self.db.write(device) as tx:
            return sync.pull(tx, request)

    def deliver_late(self, _which: int) -> None:
        """What was lost on the way arrives after all, when nobody waits for it any more."""
        if not self.late:
            return
        which, request = self.late.pop(self.rng.randrange(len(self.late)))
        try:
            sync.push(self.db, self.devices[which], request)
            self.say("late", len(request.ops))
        except ClinicError as error:
            self.say("late", error.reason)

    # ---- what goes wrong ----------------------------------------------------------------------------------------------

    def save_desk(self, which: int) -> None:
        self.saved[which] = copy.deepcopy(self.desks[which])

    def restore_desk(self, which: int) -> None:
        """A desk is put back to what it was; what was done since and never got out is gone with its disk."""
        if which not in self.saved:
            return
        self.desks[which] = copy.deepcopy(self.saved[which])
        kept = {one.op.op_id: one for one in self.desks[which].outbox}
        with self.db.engine.connect() as connection:
            known = set(connection.scalars(select(OpLedger.op_id)))
        for op_id, (owner, _) in list(self.made.items()):
            if owner != which:
                continue
            if op_id in kept:
                self.made[op_id] = (which, kept[op_id])
            elif op_id not in known:
                self.gone[op_id] = self.made.pop(op_id)
        self.say(self.desks[which].name, "restored")

    def keep_server(self, _which: int) -> None:
        self.store.keep()
        self.kept_server = True

    def restore_server(self, _which: int) -> None:
        """The server is put back to a backup; ops that no desk has any more are gone with it."""
        if not self.kept_server:
            return
        self.store.put_back()
        with self.db.write(OPERATOR) as tx:
            upkeep.restore(tx, 0)
        with self.db.engine.connect() as connection:
            known = set(connection.scalars(select(OpLedger.op_id)))
        for op_id, (which, kept) in list(self.made.items()):
            held = any(one is kept for one in self.desks[which].outbox) and which not in self.revoked
            if not held and op_id not in known:
                self.gone[op_id] = self.made.pop(op_id)
        self.revoked = {which for which in self.revoked if self._device(which).revoked_at is not None}
        self.roles = [self._device(which).roles[0] for which in range(len(self.desks))]
        self.say("server restored")

    def _device(self, which: int) -> DeviceRow:
        id_ = self.devices[which].device_id
        assert id_ is not None
        with self.db.read(self.people[Role.ADMINISTRATOR]) as tx:
            return sync.get_device(tx, id_)

    def revoke(self, which: int) -> None:
        if len(self.revoked) + 1 < len(self.desks) and self._device(which).revoked_at is None:
            self._edit_device(which, lambda tx, id_, version: sync.revoke_device(tx, id_, version))
            self.say(self.desks[which].name, "cut off")

    def change_scope(self, which: int) -> None:
        if self._device(which).revoked_at is not None:
            return
        self.roles[which] = Role.DOCTOR if self.roles[which] is not Role.DOCTOR else Role.RECEPTIONIST
        role = self.roles[which]
        self._edit_device(which, lambda tx, id_, version: sync.edit_device(tx, id_, version, f"Desk {which}", (role,)))
        self.say(self.desks[which].name, "holds", role)

    def _edit_device(self, which: int, edit: Callable[[Any, UUID, int], object]) -> None:
        id_ = self.devices[which].device_id
        assert id_ is not None
        with self.db.write(self.people[Role.ADMINISTRATOR]) as tx:
            edit(tx, id_, sync.get_device(tx, id_).version)

    def change_role(self, _which: int) -> None:
        """The doctor becomes a patient for the program, and a doctor again: an account may do what it may now."""
        doctor = self.people[Role.DOCTOR]
        assert doctor.user_id is not None
        with self.db.write(self.people[Role.ADMINISTRATOR]) as tx:
            row = users.get_user(tx, doctor.user_id)
            role = Role.PATIENT if row.role is Role.DOCTOR else Role.DOCTOR
            users.edit_user(tx, EditUser(row.id, row.version, row.email, row.name, role))
        self.say("doctor is", role)

    # ---- what has to hold ---------------------------------------------------------------------------------------------

    def look(self, which: int) -> None:
        """What holds at every moment, at a desk."""
        desk = self.desks[which]
        self._no_overlap([row for key, row in desk.rows.items() if key[0] == "appointment"], desk.name)
        last: dict[tuple[Any, str], Any] = {}
        for kept in desk.outbox:
            if kept.state is State.NEW:
                last |= {((kept.op.entity, kept.op.id), name): value for name, value in (kept.op.new or {}).items()}
        for (key, name), value in last.items():  # 6: a pending write stays on the screen
            row = desk.rows.get(key)
            if row is not None:
                assert row[name] == value or row.get("status") == "waitlist", (desk.name, key, name)

    def _no_overlap(self, rows: list[Row], where: str) -> None:
        held = [row for row in rows if row.get("status") in HOLDING]  # 1
        for nth, one in enumerate(held):
            for other in held[nth + 1 :]:
                assert not overlap(one, other), f"two hold one time: {where}"

    def _none_hidden(self, which: int, rows: Any) -> None:
        for entity, row in rows:  # 8
            clinical = Permission.READ_MEDICATIONS in GRANTS[self.roles[which]]
            assert clinical or entity not in CLINICAL, f"{entity} at {self.desks[which].name}"
            assert row is None or not _HIDDEN & row.keys()

    def check(self) -> None:
        """The invariants, once everybody has caught up."""
        with self.db.engine.connect() as connection:
            ledger = {row.op_id: row for row in connection.execute(select(OpLedger))}
            conflicts = set(connection.scalars(select(SyncConflict.op_id)))
            visits = [dict(row) for row in connection.execute(select(Appointment.__table__)).mappings()]
            history = list(
                connection.execute(
                    select(HistoryEntry).where(HistoryEntry.verb.like("sync.apply_%")).order_by(HistoryEntry.seq)
                )
            )
        self._no_overlap([wire.encode_row(row, row) for row in visits], "server")
        self._none_disappears(ledger, conflicts)
        self._one_effect(history)
        self._nothing_unseen(history)
        for which, desk in enumerate(self.desks):
            if which not in self.revoked:
                self._agree(which, desk)

    def _none_disappears(self, ledger: dict[UUID, Any], conflicts: set[UUID]) -> None:
        for op_id, (which, kept) in self.made.items():  # 2
            if which in self.revoked and op_id not in ledger:
                continue
            assert op_id in ledger, f"{self.desks[which].name} lost {kept.op}"
            row = ledger[op_id]
            assert kept.state is not State.NEW or which in self.revoked or not self._holds(which, kept)
            if row.outcome == Outcome.CONFLICT.value:
                assert op_id in conflicts, "a conflict that nobody will see"

    def _holds(self, which: int, kept: Kept) -> bool:
        return any(one is kept for one in self.desks[which].outbox)

    def _one_effect(self, history: list[Any]) -> None:
        made: dict[tuple[str, str], int] = {}
        for entry in history:  # 3
            if entry.action == "C" and entry.entity != "sync_conflict":
                made[entry.entity, entry.entity_id] = made.get((entry.entity, entry.entity_id), 0) + 1
        assert all(count == 1 for count in made.values())
        changes: dict[str, int] = {}
        for entry in history:
            if entry.action == "U":
                changes[entry.entity_id] = changes.get(entry.entity_id, 0) + 1
        sent: dict[str, int] = {}
        for _, kept in (*self.made.values(), *self.gone.values()):
            if kept.op.action is OpAction.UPDATE:
                sent[kept.op.id.hex] = sent.get(kept.op.id.hex, 0) + 1
        for id_, count in changes.items():
            assert count <= sent.get(id_, 0), "an op took effect twice"

    def _nothing_unseen(self, history: list[Any]) -> None:
        """What an op has changed was, with all that goes with it, as its writer had seen it."""
        by_row: dict[tuple[str, str], list[Any]] = {}
        for _, kept in (*self.made.values(), *self.gone.values()):
            by_row.setdefault((kept.op.entity, kept.op.id.hex), []).append(kept.op)
        rows: dict[tuple[str, str], Row] = {}
        for entry in self._whole_history():
            model = MODELS[entry.entity]
            key = entry.entity, entry.entity_id
            before = rows.get(key, {})
            new = {name: wire.encode(value) for name, value in decode(model, entry.new).items() if name != "version"}
            rows[key] = {**before, **new}
            if entry.action != "U" or not entry.verb.startswith("sync.apply_") or key not in by_row:
                continue
            if new.get("status") == "waitlist":  # the time was taken: the server has decided that
                continue
            ops = [op for op in by_row[key] if op.action is OpAction.UPDATE and new.keys() <= (op.new or {}).keys()]
            groups = [group for group in SYNCED[entry.entity].together if group & new.keys()]
            touched = frozenset(new).union(*groups)
            assert not ops or any(
                all(
                    before.get(name, op.old.get(name)) == op.old.get(name) for name in touched if name in (op.old or {})
                )
                for op in ops
                if op.old is not None
            ), f"{key} was changed by somebody who had not seen it: {json.dumps(new)}"

    def _whole_history(self) -> list[Any]:
        with self.db.engine.connect() as connection:
            return list(
                connection.execute(
                    select(HistoryEntry)
                    .where(HistoryEntry.entity.in_(["appointment", "patient"]))
                    .order_by(HistoryEntry.seq)
                )
            )

    def _agree(self, which: int, desk: Desk) -> None:
        """A desk that has caught up holds what the server has for it, to the last field."""
        rows: dict[Any, Row] = {}
        cursor, more = "", True
        while more:
            with self.db.write(self.devices[which]) as tx:
                part = sync.snapshot(tx, cursor, 500)
            rows |= {(one.entity, one.id): dict(one.row) for one in part.rows}
            cursor, more = part.next or "", part.next is not None
        assert desk.base == rows, f"{desk.name} and the server differ"  # 4
        assert desk.rows == rows, f"the screen of {desk.name} and the server differ"
        assert desk.cursor == part.cursor  # 7
        with self.db.read(self.devices[which]) as tx:
            found = sync.digest(tx, part.cursor)
        for entity, told in found.entities.items():
            held = sorted((id_, row) for (name, id_), row in desk.base.items() if name == entity)
            assert (told.rows, told.sha256) == rules.digest_of(held)
