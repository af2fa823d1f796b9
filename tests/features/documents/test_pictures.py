"""Everybody has a picture of their own; the desk knows a patient by one; nobody sees whom they should not."""

from __future__ import annotations

from uuid import UUID

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError

from clinicdesk.core.errors import Conflict, NotFound, NotPermitted
from clinicdesk.core.ids import new_id
from clinicdesk.core.permissions import Role
from clinicdesk.core.trail import AuditEntry
from clinicdesk.core.tx import Actor, Database
from clinicdesk.features.documents import intake
from clinicdesk.features.documents import service as documents
from clinicdesk.features.documents.archive import Archive
from clinicdesk.features.documents.models import Picture
from clinicdesk.features.documents.schemas import PictureRow
from clinicdesk.features.users import service as users
from clinicdesk.features.users.schemas import AddUser
from tests.features.documents import files

PASSWORD = "seven quiet boats at noon"


@pytest.fixture
def account(db: Database, operator: Actor, smith: UUID) -> dict[Role, Actor]:
    """People with accounts."""
    with db.write(operator) as tx:
        rows = {
            role: users.add_user(tx, AddUser(f"{role}@harbour.example", f"Some {role}", role, PASSWORD))
            for role in (Role.DOCTOR, Role.RECEPTIONIST, Role.PATIENT)
        }
    return {role: Actor(row.id, role, patient_id=smith if role is Role.PATIENT else None) for role, row in rows.items()}


def set_avatar(db: Database, archive: Archive, actor: Actor, content: bytes, version: int = 0) -> PictureRow:
    with archive.holding(intake.check_picture(content)) as held, db.write(actor) as tx:
        return documents.set_own_avatar(tx, held, version)[0]


def set_photo(db: Database, archive: Archive, actor: Actor, patient_id: UUID, version: int = 0) -> PictureRow:
    with archive.holding(intake.check_picture(files.image())) as held, db.write(actor) as tx:
        return documents.set_photo(tx, patient_id, held, version)[0]


def test_ones_own_picture_is_set_replaced_and_removed(
    db: Database, archive: Archive, account: dict[Role, Actor]
) -> None:
    doctor = account[Role.DOCTOR]
    assert doctor.user_id is not None
    first = set_avatar(db, archive, doctor, files.image(size=(40, 40)))
    second = set_avatar(db, archive, doctor, files.image(size=(80, 80)), 1)
    for seen in (0, 1):
        with pytest.raises(Conflict, match="changed_meanwhile"):
            set_avatar(db, archive, doctor, files.image(), seen)
    assert (first.id, first.version, second.version) == (second.id, 1, 2)
    with db.read(account[Role.RECEPTIONIST]) as tx:
        assert archive.read(documents.open_avatar(tx, doctor.user_id)).startswith(b"\xff\xd8")
        assert archive.read(documents.open_avatar(tx, doctor.user_id, small=True)).startswith(b"\xff\xd8")
    with pytest.raises(Conflict, match="changed_meanwhile"), db.write(doctor) as tx:
        documents.remove_own_avatar(tx, 1)
    with db.write(doctor) as tx:
        documents.remove_own_avatar(tx, 2)
    for gone in (lambda tx: documents.remove_own_avatar(tx, 2), lambda tx: documents.open_avatar(tx, doctor.user_id)):
        with pytest.raises(NotFound, match="picture_not_found"), db.write(doctor) as tx:
            gone(tx)


def test_patients_see_who_cares_for_them_and_no_other_patient(
    db: Database, archive: Archive, account: dict[Role, Actor], operator: Actor
) -> None:
    joan, doctor = account[Role.PATIENT], account[Role.DOCTOR]
    with db.write(operator) as tx:
        stranger = users.add_user(tx, AddUser("s@x.example", "Stranger", Role.PATIENT, PASSWORD)).id
    for actor in (joan, doctor, Actor(stranger, Role.PATIENT)):
        set_avatar(db, archive, actor, files.image())
    assert joan.user_id is not None
    assert doctor.user_id is not None
    with db.read(joan) as tx:
        documents.open_avatar(tx, joan.user_id)
        documents.open_avatar(tx, doctor.user_id)
        for hidden in (stranger, new_id()):
            with pytest.raises(NotFound, match="picture_not_found"):
                documents.open_avatar(tx, hidden)
    with db.read(doctor) as tx:
        documents.open_avatar(tx, stranger)
    for act in (lambda tx: documents.remove_own_avatar(tx, 1), lambda tx: documents.open_avatar(tx, doctor.user_id)):
        with pytest.raises(NotPermitted), db.write(Actor(None, Role.NOBODY)) as tx:
            act(tx)


def test_the_desk_keeps_a_picture_of_a_patient_and_each_look_is_audited(
    db: Database, archive: Archive, account: dict[Role, Actor], smith: UUID, jones: UUID
) -> None:
    desk, joan = account[Role.RECEPTIONIST], account[Role.PATIENT]
    with pytest.raises(NotPermitted):
        set_photo(db, archive, joan, smith)
    with pytest.raises(NotFound, match="patient_not_found"):
        set_photo(db, archive, desk, new_id())
    set_photo(db, archive, desk, smith)
    assert set_photo(db, archive, desk, smith, 1).version == 2
    set_photo(db, archive, desk, jones)
    with db.write(joan) as tx:
        assert archive.read(documents.open_photo(tx, smith))
    with pytest.raises(NotPermitted), db.write(joan) as tx:
        documents.open_photo(tx, jones)
    looks = select(AuditEntry.patient_id).where(AuditEntry.verb == "documents.open_photo").order_by(AuditEntry.seq)
    with db.engine.connect() as connection:
        assert list(connection.scalars(looks)) == [smith.hex, jones.hex]
        assert connection.scalar(select(func.count()).select_from(Picture)) == 2
    with db.write(desk) as tx:
        documents.remove_photo(tx, smith, 2)
        with pytest.raises(NotFound, match="picture_not_found"):
            documents.open_photo(tx, smith)


def test_a_picture_shows_one_person(db: Database, archive: Archive, account: dict[Role, Actor], smith: UUID) -> None:
    set_photo(db, archive, account[Role.RECEPTIONIST], smith)
    with pytest.raises(IntegrityError), db.engine.begin() as connection:
        connection.execute(text("UPDATE picture SET patient_id = NULL"))
