"""The unit of work: a verb does its work inside a `Tx` and says once what it changed; the closing `Tx` tells everyone.

What a verb records has three readers, served in the same transaction as the change itself: the audit trail (who touched
what, fields named without values), the history (the values: undo, time machine, sync), and, once it is committed, whoever
listens for changes (the screens that must refresh).
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from types import TracebackType
from typing import Any, Concatenate, NoReturn, ParamSpec, Self, TypeVar
from uuid import UUID

from sqlalchemy import Connection, Engine, RootTransaction, event, inspect
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from clinicdesk.core.access import Access
from clinicdesk.core.binding import Binder
from clinicdesk.core.clock import Clock, utc_now
from clinicdesk.core.errors import ClinicError, Conflict, NotPermitted, Unavailable
from clinicdesk.core.ids import new_id
from clinicdesk.core.model import Base
from clinicdesk.core.permissions import Permission, Role, may, may_own
from clinicdesk.core.records import Records
from clinicdesk.core.turns import Turns

log = logging.getLogger(__name__)


class Action(StrEnum):
    """What was done, in the letters of FHIR's AuditEvent.action."""

    CREATE = "C"
    """Created."""
    READ = "R"
    """Read."""
    UPDATE = "U"
    """Changed."""
    DELETE = "D"
    """Deleted."""
    EXECUTE = "E"
    """Done: a sign-in, an export, a refusal."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: the user (None for the operator and for nobody), the role, and the desk they sit at.

    Which patient or practitioner the person is, the account says: the guard of the accounts fills it in. `session_id` is the
    sign-in by which somebody acts who came through the server.
    """

    user_id: UUID | None
    role: Role
    name: str = ""
    desk: str = ""
    patient_id: UUID | None = None
    practitioner_id: UUID | None = None
    session_id: UUID | None = None
    device_id: UUID | None = None
    """The enrolled desk that brings what was done, where one does."""

    def may(self, permission: Permission) -> bool:
        return may(self.role, permission)


@dataclass(frozen=True, slots=True)
class Change:
    """One recorded fact about one row: old and new by field (None, None for a read or an execution)."""

    entity: str
    id: UUID | None
    action: Action
    old: Mapping[str, Any] | None = None
    new: Mapping[str, Any] | None = None
    patient_id: UUID | None = None
    note: str = ""
    """A word for the audit trail that is nobody's data: a cancellation code, a count."""

    @classmethod
    def created(cls, row: Base, patient_id: UUID | None = None, note: str = "") -> Change:
        """The change that adding this row is. The row needs its id, so give it one or flush first."""
        state = inspect(row)
        new = {name: value for name, value in state.dict.items() if name in state.mapper.columns and value is not None}
        return cls(row.__tablename__, new["id"], Action.CREATE, None, new, patient_id, note)

    @classmethod
    def updated(cls, row: Base, patient_id: UUID | None = None, note: str = "") -> Change | None:
        """The change that the row's unflushed edits are; None where nothing differs. Raises `version` by one."""
        state = inspect(row)
        old: dict[str, Any] = {}
        new: dict[str, Any] = {}
        for column in state.mapper.column_attrs:
            edits = state.attrs[column.key].history
            if edits.added and edits.deleted and edits.added[0] != edits.deleted[0]:
                old[column.key], new[column.key] = edits.deleted[0], edits.added[0]
        if not new:
            return None
        if "version" in state.mapper.columns:
            old["version"] = state.dict["version"]
            new["version"] = row.version = old["version"] + 1  # type: ignore[attr-defined]
        return cls(row.__tablename__, state.dict["id"], Action.UPDATE, old, new, patient_id, note)


@dataclass(frozen=True, slots=True)
class Committed:
    """What listeners are told after a commit: the unit's id, the tables it changed, and the verb that did it."""

    unit_id: UUID
    verb: str
    entities: frozenset[str]
    changes: tuple[Change, ...] = field(repr=False)
    seq: int | None = None
    """Its number in the change log, where the database serves."""


Listener = Callable[[Committed], None]
Guard = Callable[["Tx"], None]
Follower = Callable[["Tx", Sequence[Change]], None]


class Database:
    """One clinic's database. `write` and `read` open units of work on it; safe to use from several threads."""

    def __init__(
        self,
        engine: Engine,
        audit_key: bytes,
        clock: Clock = utc_now,
        turns: Turns = Turns(),  # noqa: B008  (it has no state)
    ) -> None:
        self.engine = engine
        self.audit_key = audit_key
        self.binder = Binder(audit_key)
        self.clock = clock
        self.turns = turns
        self.listeners: list[Listener] = []
        self.guards: list[Guard] = []
        """Run as each unit of work opens; a guard raises to refuse (a disabled account)."""
        self.followers: list[Follower] = []
        """Run before each commit with what was recorded, in the same unit of work: what follows from a change in a feature
        above the one that made it (a reminder of a visit) is stored with it or not at all."""
        self.known_roots: Callable[[], Mapping[int, bytes]] = dict
        """The checkpoints of the audit trail that are kept outside the database: the chain's hash by its length."""
        self.access = Access()
        """Whose records a caller reaches within a permission."""
        self.serves = False
        """Whether others follow what is changed here: each unit of work is then entered in the change log."""
        self._begins = {
            True: engine.execution_options(**turns.writing),
            False: engine.execution_options(**turns.reading),
        }

    def write(self, actor: Actor) -> Tx:
        """A unit of work that may change things: `with db.write(actor) as tx: verb(tx, …)`. Commits when left without error."""
        return Tx(self, self._begins[True], actor, writes=True)

    def read(self, actor: Actor) -> Tx:
        """A unit of work that sees one consistent state and changes nothing."""
        return Tx(self, self._begins[False], actor, writes=False)

    def close(self) -> None:
        """Give back every connection; the last one folds the write-ahead log into the file."""
        self.engine.dispose()


class Tx:
    """One unit of work: a transaction, who acts, and the one `now` of everything that happens in it."""

    connection: Connection
    """For Core statements, which need nothing of a session."""

    def __init__(self, database: Database, engine: Engine, actor: Actor, *, writes: bool) -> None:
        self.database = database
        self.actor = actor
        self.writes = writes
        self._engine = engine
        self._transaction: RootTransaction | None = None
        self.unit_id = new_id()
        self.now = database.clock()  # taken again once the write lock is held
        self.verb = ""
        self._changes: list[tuple[str, Change]] = []
        self._derived: list[Change] = []
        self.emergency = False
        """Whether something was done by an exception that the audit trail has to mark: somebody broke the glass."""
        self.owes = ""
        """What the caller has to do before anything else, as a code: a guard says so. Verbs that are `owing` are open still."""
        self._scope: _Scope | None = None
        self._turn: bool | None = None
        """None before the first verb that writes; then whether this unit of work has the clinic alone."""

    @functools.cached_property
    def session(self) -> Session:
        """In the same transaction as the connection; a unit of work that never asks for it does not pay for it."""
        return Session(self.connection, autoflush=False, expire_on_commit=False, join_transaction_mode="rollback_only")

    def claim(self, *things: str) -> None:
        """Wait for every other unit of work that has claimed one of these things, named as the feature likes, to end.

        What concurrent verbs must do one after the other although no row stands for it yet; claim all of it at once. Whoever
        has the clinic alone has nobody to wait for.
        """
        if self._turn:
            return
        self.database.turns.claim(self.connection, things)

    def take_turn(self, *, alone: bool) -> None:
        """Wait until a verb may run in this unit of work; `verb` calls it for each one that writes.

        One that has to be alone comes before those that need not be: two units of work that ran beside each other, and then
        each wanted the clinic alone, would wait for each other. The other order is a bug, whatever the database.
        """
        if self._turn is None:
            self.database.turns.begin_verb(self.connection, alone=alone)
            self._turn = alone
        elif alone and not self._turn:
            raise AssertionError(f"{self.verb} wants the clinic alone, in a unit of work that runs beside others")

    @property
    def own_patient(self) -> UUID | None:
        """The patient whose record alone the caller may see; None for whoever is not limited to one.

        Raises NotPermitted("record_not_linked") for a patient's account that nobody has linked to a record yet.
        """
        if self.actor.role is not Role.PATIENT:
            return None
        if self.actor.patient_id is None:
            raise NotPermitted("record_not_linked", verb=self.verb)
        return self.actor.patient_id

    def reach(self, patient_id: UUID) -> None:
        """Make sure that the caller may do what the verb does to this patient; the first act of a verb that is about one.

        Raises NotPermitted("not_own_record", "record_not_linked", "not_in_care").
        """
        own = self.own_patient
        if own is not None and own != patient_id:
            raise NotPermitted("not_own_record", verb=self.verb, patient_id=patient_id)
        if self._scope is not None:
            if own is None and self.database.access.admit(self, self._scope.permission, patient_id):
                self.emergency = True
            self._scope.reached = True

    def record(self, change: Change | None) -> None:
        """Say what was changed, read or done. None (nothing differed) is accepted and ignored."""
        if change is not None:
            self._changes.append((self.verb, change))

    def note_look(self, entity: str, note: str = "", patient_id: UUID | None = None) -> None:
        """Say that a list was looked at which names patients (or this one), where the unit of work may be audited.

        A screen that shows the list all day, and reads it anew with each change, does so without writing.
        """
        if self.writes:
            self.record(Change(entity, None, Action.READ, patient_id=patient_id, note=note))

    def tell(self, change: Change) -> None:
        """Tell listeners of a change that follows from recorded ones or is nobody's business to prove (a notification was
        read): it goes neither to the audit trail nor to the history."""
        self._derived.append(change)

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """A part that may fail by itself: an error that leaves it takes back what it did and recorded, and nothing else."""
        recorded, derived = len(self._changes), len(self._derived)
        try:
            with self.session.begin_nested():
                self.session.connection()  # sets the savepoint, which the session would put off until it is used itself
                yield
        except BaseException:
            del self._changes[recorded:]
            del self._derived[derived:]
            raise

    def __enter__(self) -> Self:
        try:
            self._begin()
            for guard in self.database.guards:
                guard(self)
        except BaseException as error:
            self.__exit__(type(error), error, error.__traceback__)
            raise
        return self

    def _begin(self) -> None:
        self.connection = self._engine.connect()
        self._transaction = self.connection.begin()  # whoever writes on SQLite holds the write lock from here on
        self.now = self.database.clock()

    def _flush(self) -> None:
        if "session" in self.__dict__:
            self.session.flush()

    def _end(self) -> None:
        """Flush once more, for what followers and records have put there, and commit."""
        self._flush()
        assert self._transaction is not None  # noqa: S101  (a unit of work ends that has begun)
        self._transaction.commit()

    def _roll_back(self) -> None:
        if (
            self._transaction is not None and self._transaction.is_active
        ):  # whose commit failed is rolled back as it closes
            self._transaction.rollback()

    def _close(self) -> None:
        if self._transaction is None:
            return
        if "session" in self.__dict__:
            self.session.close()
        self.connection.close()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None or (isinstance(error, ClinicError) and error.keeps):
                self._commit("ok" if error is None else "failed")
            else:
                self._roll_back()
                if isinstance(error, NotPermitted):
                    self._keep_refusal(error)
        except _TROUBLE as failure:
            self._roll_back()
            raise_trouble(failure)
        finally:
            self._close()
        if isinstance(error, _TROUBLE):
            raise_trouble(error)

    def _commit(self, outcome: str) -> None:
        if not self.writes:
            if self._changes:
                raise AssertionError(f"{self._changes[0][0]} recorded a change in a unit of work that only reads")
            return
        self._flush()
        recorded = tuple(change for _, change in self._changes)
        if recorded:
            for follower in self.database.followers:
                follower(self, recorded)
        made = (*(change for _, change in self._changes), *self._derived)
        entities = frozenset(change.entity for change in made if change.action in "CUD")
        verb = self._changes[0][0] if self._changes else ""
        records = self._records(outcome)
        if self.database.serves:
            records.log(verb, made)
        seq = self._write(records)
        self._end()
        if entities:
            told = Committed(self.unit_id, verb, entities, made, seq)
            for listener in self.database.listeners:
                listener(told)

    def _records(self, outcome: str) -> Records:
        records = Records(self.now, self.unit_id, self.database.binder)
        for verb, change in self._changes:
            records.add(self.actor, verb, change, outcome, emergency=self.emergency)
        return records

    def _write(self, records: Records) -> int | None:
        """Write the records down; from here to the end of the transaction nobody else can. Their number in the change log."""
        if not records:
            return None
        turns = self.database.turns
        head = turns.begin_records(self.connection)
        return turns.write_records(self.connection, records.behind(head, self.database.audit_key))

    def _keep_refusal(self, error: NotPermitted) -> None:
        """A refusal is a fact of its own: it goes to the audit trail, after what was refused has been rolled back."""
        patient_id = error.params.get("patient_id")
        refusal = self.database.write(self.actor)
        refusal._begin()  # noqa: SLF001  (our own kind)
        refusal.verb = str(error.params.get("verb", self.verb))
        refusal.record(
            Change("", None, Action.EXECUTE, patient_id=patient_id if isinstance(patient_id, UUID) else None)
        )
        try:
            refusal._write(refusal._records("refused"))  # noqa: SLF001
            refusal._end()  # noqa: SLF001
        finally:
            refusal._close()  # noqa: SLF001


_TROUBLE = (DBAPIError, PoolTimeout, StaleDataError)


def raise_trouble(failure: DBAPIError | PoolTimeout | StaleDataError) -> NoReturn:
    """Say what went wrong below a unit of work as a `ClinicError`, where it is nobody's bug."""
    if isinstance(failure, StaleDataError):  # somebody else was quicker, between our reading the row and writing it
        raise Conflict("changed_meanwhile") from failure
    if isinstance(failure, PoolTimeout):
        raise Unavailable("database_busy") from failure
    raise_unavailable(failure)


def raise_unavailable(failure: DBAPIError) -> NoReturn:
    """Turn what the environment did to us (full disk, locked or damaged file, no server) into `Unavailable`; leave bugs alone."""
    code = _code_of_server(failure) if hasattr(failure.orig, "sqlstate") else _code_of_file(failure)
    if code is None:
        raise failure
    log.error("database unavailable: %s", code)
    raise Unavailable(code) from failure


def _code_of_file(failure: DBAPIError) -> str | None:
    words = str(failure.orig).lower()
    return next((code for sign, code in _SIGNS.items() if sign in words), None)


def _code_of_server(failure: DBAPIError) -> str | None:
    state = failure.orig.sqlstate  # type: ignore[union-attr]
    if state is None:  # the server did not get to say why
        gone = isinstance(failure, OperationalError | InterfaceError)
        return "database_unreachable" if gone else None
    return _STATES.get(state) or _STATES.get(state[:2])


_SIGNS = {
    "locked": "database_busy",
    "disk is full": "disk_full",
    "readonly": "database_read_only",
    "disk i/o": "disk_error",
    "unable to open": "database_missing",
    "not a database": "wrong_key",
    "malformed": "database_damaged",
}
"""Words of SQLite's messages."""

_STATES = {
    "08": "database_unreachable",
    "25006": "database_read_only",
    "25P03": "database_busy",  # idle for too long within a transaction
    "40001": "database_busy",  # serialization failure
    "40P01": "database_busy",  # deadlock
    "53": "database_busy",  # connections or memory
    "53100": "disk_full",
    "55P03": "database_busy",  # lock timeout
    "57014": "database_busy",  # statement timeout
    "57P01": "database_unreachable",  # the server is being shut down,
    "57P02": "database_unreachable",  # has crashed,
    "57P03": "database_unreachable",  # or is not up yet
    "58030": "disk_error",
    "XX001": "database_damaged",
    "XX002": "database_damaged",
}
"""PostgreSQL's SQLSTATE, whole or its class."""

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(slots=True)
class _Scope:
    """What the running verb needs, and whether it has said whom it is about."""

    permission: Permission
    reached: bool = False


@dataclass(frozen=True)
class VerbInfo:
    """A verb as it was declared: its name, the permission it needs, whether it writes, and whether it is about one patient;
    `owing` where it is open to whoever has to do something else first."""

    name: str
    permission: Permission
    writes: bool
    concurrent: bool
    of_patient: bool
    owing: bool


VERBS: dict[str, VerbInfo] = {}
"""Every verb of every feature that has been imported, by name."""


def verb(
    permission: Permission,
    *,
    writes: bool = True,
    concurrent: bool = False,
    of_patient: bool = False,
    owing: bool = False,
) -> Callable[[Callable[Concatenate[Tx, P], R]], Callable[Concatenate[Tx, P], R]]:
    """Declare a service function as a verb that needs `permission`. The check cannot be skipped by any caller.

    The verb's name is its feature and function, such as `appointments.book`; it stands in the audit trail. A verb called by
    another verb is checked too, and what it records goes by its own name.

    A verb that writes has the clinic alone, as far as writing goes, so what it has checked stays true until the commit. On a
    server that is a queue; a verb that many people use at once is declared `concurrent` and runs beside others of its kind
    (never beside one that is not). It then has to see to it that it and they cannot contradict each other: by a constraint
    of the database, the version of a row, or `tx.claim`.

    A verb that is `of_patient` says by `tx.reach` which patient it is about, before it looks at anything of theirs. It is
    open to those besides who have the permission for their own record, or for one patient in an emergency.

    A verb that is `owing` is open to whoever owes something (`Tx.owes`): it is what they owe, or a way to look at themselves
    and to leave.
    """

    def declare(function: Callable[Concatenate[Tx, P], R]) -> Callable[Concatenate[Tx, P], R]:
        name = f"{function.__module__.split('.')[2]}.{function.__name__}"
        VERBS[name] = info = VerbInfo(name, permission, writes, concurrent, of_patient, owing)

        @functools.wraps(function)
        def checked(tx: Tx, /, *args: P.args, **kwargs: P.kwargs) -> R:
            if tx.owes and not owing:
                raise NotPermitted(tx.owes, verb=name)
            if not (tx.actor.may(permission) or (of_patient and _for_one(tx, permission))):
                raise NotPermitted(verb=name, permission=permission.value)
            if info.writes and not tx.writes:
                raise AssertionError(f"{name} needs a unit of work that writes")
            before, tx.verb = (tx.verb, tx._scope), name  # noqa: SLF001  (our own kind)
            tx._scope = scope = _Scope(permission) if of_patient else None  # noqa: SLF001
            if info.writes:
                tx.take_turn(alone=not concurrent)
            try:
                result = function(tx, *args, **kwargs)
            finally:
                tx.verb, tx._scope = before  # noqa: SLF001
            if scope is not None and not scope.reached:
                raise AssertionError(f"{name} did not say whom it is about")
            return result

        return checked

    return declare


def _for_one(tx: Tx, permission: Permission) -> bool:
    """Whether the caller has the permission for one patient: themselves, or somebody in an emergency."""
    return may_own(tx.actor.role, permission) or tx.database.access.excepts(tx, permission)


def begin_as_told(engine: Engine) -> None:
    """Make the engine open transactions by the option `clinicdesk_begin`.

    SQLite must take the write lock at once (BEGIN IMMEDIATE): a transaction that reads first and writes later is refused
    as soon as another has written in between.
    """

    @event.listens_for(engine, "begin")
    def begin(connection: Any) -> None:
        connection.exec_driver_sql(connection.get_execution_options().get("clinicdesk_begin", "BEGIN"))
