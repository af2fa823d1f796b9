"""The verbs of pictures: everybody sets their own; the desk sets a patient's, to know the person by."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import ColumnElement, select

from clinicdesk.core.errors import Conflict, NotFound, NotPermitted
from clinicdesk.core.ids import new_id
from clinicdesk.core.permissions import Permission, Role
from clinicdesk.core.tx import Action, Change, Tx, verb
from clinicdesk.features.documents.models import Picture
from clinicdesk.features.documents.schemas import Content, Displaced, Held, MediaType, PictureRow
from clinicdesk.features.patients.record import load as load_patient
from clinicdesk.features.users.models import User


@verb(Permission.SIGN_IN, concurrent=True)
def set_own_avatar(tx: Tx, held: Held, version: int) -> tuple[PictureRow, Displaced]:
    """Give the caller's account a picture, in place of the one it had at this version (0: it had none), which goes.

    Raises NotPermitted where nobody is signed in, Conflict("changed_meanwhile").
    """
    user_id = _own_id(tx)
    tx.claim(f"picture {user_id}")
    return _set(tx, Picture.user_id == user_id, Picture(user_id=user_id), held, version)


@verb(Permission.SIGN_IN, concurrent=True)
def remove_own_avatar(tx: Tx, version: int) -> Displaced:
    """Take the caller's own picture away. Raises NotPermitted, NotFound("picture_not_found"), Conflict("changed_meanwhile")."""
    return _remove(tx, Picture.user_id == _own_id(tx), version)


@verb(Permission.SIGN_IN, writes=False)
def open_avatar(tx: Tx, user_id: UUID, small: bool = False) -> Content:
    """Where the picture of an account lies. A patient's is for the patient and the clinic, colleagues' for everybody.

    Raises NotPermitted where nobody is signed in, NotFound("picture_not_found"), also for what the caller may not see.
    """
    own = _own_id(tx)
    role = tx.session.scalar(select(User.role).where(User.id == user_id))
    if role is None or (user_id != own and role == Role.PATIENT and tx.actor.role is Role.PATIENT):
        raise NotFound("picture_not_found")
    return _content(_find(tx, Picture.user_id == user_id), small)


@verb(Permission.EDIT_PATIENT, writes=False, of_patient=True)
def ensure_can_set_photo(tx: Tx, patient_id: UUID) -> None:
    """Raise what `set_photo` would, before anything is put away for it."""
    tx.reach(patient_id)
    load_patient(tx, patient_id)


@verb(Permission.EDIT_PATIENT, concurrent=True, of_patient=True)
def set_photo(tx: Tx, patient_id: UUID, held: Held, version: int) -> tuple[PictureRow, Displaced]:
    """Keep a patient's picture, in place of the one there was at this version (0: there was none).

    Raises NotPermitted, NotFound("patient_not_found"), Conflict("patient_merged", "changed_meanwhile").
    """
    tx.reach(patient_id)
    load_patient(tx, patient_id)
    tx.claim(f"picture {patient_id}")
    return _set(tx, Picture.patient_id == patient_id, Picture(patient_id=patient_id), held, version)


@verb(Permission.EDIT_PATIENT, concurrent=True, of_patient=True)
def remove_photo(tx: Tx, patient_id: UUID, version: int) -> Displaced:
    """Take a patient's picture away.

    Raises NotPermitted, NotFound("patient_not_found", "picture_not_found"), Conflict("patient_merged", "changed_meanwhile").
    """
    tx.reach(patient_id)
    load_patient(tx, patient_id)
    return _remove(tx, Picture.patient_id == patient_id, version)


@verb(Permission.OPEN_PATIENT, concurrent=True, of_patient=True)
def open_photo(tx: Tx, patient_id: UUID, small: bool = False) -> Content:
    """Where a patient's picture lies. Audited. Raises as `remove_photo` does."""
    tx.reach(patient_id)
    load_patient(tx, patient_id)
    picture = _find(tx, Picture.patient_id == patient_id)
    tx.record(Change("picture", picture.id, Action.READ, patient_id=patient_id))
    return _content(picture, small)


def _own_id(tx: Tx) -> UUID:
    if tx.actor.user_id is None:
        raise NotPermitted(verb=tx.verb)
    return tx.actor.user_id


def _find(tx: Tx, whose: ColumnElement[bool]) -> Picture:
    picture = tx.session.scalar(select(Picture).where(whose))
    if picture is None:
        raise NotFound("picture_not_found")
    return picture


def _set(tx: Tx, whose: ColumnElement[bool], new: Picture, held: Held, version: int) -> tuple[PictureRow, Displaced]:
    assert held.thumbnail_key is not None  # noqa: S101  (`intake.check_picture` makes one)
    picture = tx.session.scalar(select(Picture).where(whose))
    if version != (0 if picture is None else picture.version):
        raise Conflict("changed_meanwhile")
    displaced = Displaced(()) if picture is None else _displaced(picture)
    if picture is None:
        new.id, new.version, picture = new_id(), 1, new
    picture.media_type, picture.size, picture.sha256 = held.media_type.value, held.size, held.sha256
    picture.content_key, picture.thumbnail_key, picture.taken_at = held.content_key, held.thumbnail_key, tx.now
    if picture is new:
        tx.session.add(new)
        tx.record(Change.created(new, patient_id=new.patient_id))
    else:
        tx.record(Change.updated(picture, patient_id=picture.patient_id))
    tx.session.flush()
    row = PictureRow(
        picture.id, picture.user_id, picture.patient_id, held.media_type, picture.size, picture.taken_at, picture.version,
    )  # fmt: skip
    return row, displaced


def _remove(tx: Tx, whose: ColumnElement[bool], version: int) -> Displaced:
    picture = _find(tx, whose)
    if picture.version != version:
        raise Conflict("changed_meanwhile")
    tx.record(
        Change("picture", picture.id, Action.DELETE, {"content_key": picture.content_key}, None, picture.patient_id)
    )
    tx.session.delete(picture)
    tx.session.flush()
    return _displaced(picture)


def _displaced(picture: Picture) -> Displaced:
    return Displaced((picture.content_key, picture.thumbnail_key))


def _content(picture: Picture, small: bool) -> Content:
    if small:
        return Content(picture.thumbnail_key, MediaType.JPEG, "picture-small.jpg", version=picture.version)
    return Content(
        picture.content_key, MediaType(picture.media_type), "picture.jpg", picture.sha256, picture.version
    )  # fmt: skip
