"""The verbs of documents and pictures, in one place: `documents.service.file_document`, and the rest."""

from clinicdesk.features.documents.archive import Archive, archive_of, expire_removed, sweep_orphans
from clinicdesk.features.documents.filing import (
    edit_document,
    ensure_can_file,
    file_document,
    remove_document,
    restore_document,
)
from clinicdesk.features.documents.pictures import (
    ensure_can_set_photo,
    open_avatar,
    open_photo,
    remove_own_avatar,
    remove_photo,
    set_own_avatar,
    set_photo,
)
from clinicdesk.features.documents.reading import (
    get_document,
    list_documents,
    list_types,
    open_content,
    open_thumbnail,
)

__all__ = [
    "Archive",
    "archive_of",
    "edit_document",
    "ensure_can_file",
    "ensure_can_set_photo",
    "expire_removed",
    "file_document",
    "get_document",
    "list_documents",
    "list_types",
    "open_avatar",
    "open_content",
    "open_photo",
    "open_thumbnail",
    "remove_document",
    "remove_own_avatar",
    "remove_photo",
    "restore_document",
    "set_own_avatar",
    "set_photo",
    "sweep_orphans",
]
