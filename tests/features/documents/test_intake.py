"""What may be kept: a corpus of good files and of bad ones, and what is left of them."""

from __future__ import annotations

from io import BytesIO
from pathlib import PurePath

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from pypdf import PdfReader

from clinicdesk.core.errors import InvalidInput
from clinicdesk.features.documents import intake, rules
from clinicdesk.features.documents.schemas import DocumentType, MediaType
from tests.features.documents import files

SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
HTML = b"<!DOCTYPE html><html><script>alert(1)</script></html>"
JS = {"S": "/JavaScript", "JS": "app.alert(1)"}


@pytest.mark.parametrize(
    ("content", "name", "kind"),
    [
        (files.pdf(3), "report.pdf", MediaType.PDF),
        (files.pdf(), "REPORT.PDF", MediaType.PDF),
        (files.annotated_pdf({"S": "/URI", "URI": "https://clinic.example"}), "links.pdf", MediaType.PDF),
        (files.image(), "a.jpeg", MediaType.JPEG),
        (files.image(mode="CMYK"), "print.jpg", MediaType.JPEG),
        (files.image("PNG"), "a.png", MediaType.PNG),
        (files.image("PNG", mode="P"), "a.png", MediaType.PNG),
        (files.image("PNG", mode="1"), "fax.png", MediaType.PNG),
        (files.image("WEBP"), "a.webp", MediaType.WEBP),
        ("Grüße: 5 < 6\n\tund «ja»\r\n".encode(), "note.txt", MediaType.TEXT),
        (b"\xef\xbb\xbfwith a mark", "note.txt", MediaType.TEXT),
        (files.pdf(), "", MediaType.PDF),
    ],
)
def test_what_is_what_it_says_is_taken(content: bytes, name: str, kind: MediaType) -> None:
    checked = intake.check_document(content, name, kind.value)
    assert (checked.media_type, checked.filename) == (kind, name)
    assert (checked.thumbnail is not None) == kind.value.startswith("image/")
    assert intake.sniff(checked.content) is kind


BAD = {
    "nothing": (b"", "a.txt", "document_empty"),
    "white space": (b" \n\t", "a.txt", "document_empty"),
    "too much": (b"%PDF-1.7" + bytes(intake.MOST_BYTES), "a.pdf", "document_too_large"),
    "an image under another name": (files.image("PNG"), "a.jpg", "document_extension"),
    "a page as a picture": (HTML, "a.png", "document_kind"),
    "a page as text": (b"\n  " + HTML, "a.txt", "document_kind"),
    "a drawing that runs": (SVG, "a.svg", "document_kind"),
    "a drawing as text": (b'<?xml version="1.0"?>' + SVG, "a.txt", "document_kind"),
    "a script as text": (b"<script>alert(1)</script>", "a.txt", "document_kind"),
    "a program": (b"MZ\x90\x00" + bytes(100), "a.pdf", "document_kind"),
    "a program as text": (b"\x7fELF\x02\x01", "a.txt", "document_kind"),
    "text in another encoding": ("Grüße".encode("utf-16"), "a.txt", "document_kind"),
    "text with NUL": (b"a\x00b", "a.txt", "document_kind"),
    "a picture that moves": (files.image("GIF"), "a.gif", "document_kind"),
    "a fax": (files.image("TIFF"), "a.tiff", "document_kind"),
    "an archive": (files.archive_of_files("../../etc/passwd"), "a.zip", "document_kind"),
    "no extension": (files.pdf(), "report", "document_extension"),
    "two extensions": (files.pdf(), "report.pdf.exe", "document_extension"),
    "a PDF that begins later": (b"MZ" + files.pdf(), "a.pdf", "document_kind"),
    "a PDF and an archive": (files.pdf() + files.archive_of_files("a"), "a.pdf", "document_kind"),
    "a PDF and a page": (files.pdf() + HTML, "a.pdf", "document_damaged"),
    "half a PDF": (files.pdf(20)[:900], "a.pdf", "document_damaged"),
    "a PDF in name": (b"%PDF-1.7\nhello\n%%EOF\n", "a.pdf", "document_damaged"),
    "a PDF without pages": (files.pdf(0), "a.pdf", "document_damaged"),
    "a PDF with a password": (files.locked_pdf(), "a.pdf", "document_encrypted"),
    "a PDF with a script": (files.pdf(OpenAction=JS), "a.pdf", "document_active"),
    "a PDF with a script in disguise": (
        files.pdf(OpenAction=JS).replace(b"/JavaScript", b"/J#61vaScript"), "a.pdf", "document_active",
    ),
    "a PDF with a packed script": (files.packed_pdf("JavaScript"), "a.pdf", "document_active"),
    "a PDF with a packed start": (files.packed_pdf("Launch"), "a.pdf", "document_active"),
    "a PDF that starts a program": (files.annotated_pdf({"S": "/Launch", "F": "cmd.exe"}), "a.pdf", "document_active"),
    "a PDF that sends": (files.annotated_pdf({"S": "/SubmitForm", "F": "https://x.example"}), "a.pdf", "document_active"),
    "a PDF with a file in it": (files.carrying_pdf(), "a.pdf", "document_active"),
    "a PDF with a form that runs": (files.pdf(AcroForm={"XFA": ["a", "b"]}), "a.pdf", "document_active"),
    "a PDF that does something on opening": (files.pdf(AA={"WC": {"S": "/URI"}}), "a.pdf", "document_active"),
    "a PDF of too many pages": (files.pdf(2001), "a.pdf", "document_complex"),
    "a PDF with a hidden script": (files.hiding_pdf(), "a.pdf", "document_active"),
    "a PDF whose pages multiply": (files.multiplying_pdf(), "a.pdf", "document_damaged"),
    "a PDF that goes round": (files.circular_pdf(), "a.pdf", "document_damaged"),
    "a PDF with too many parts": (files.crowded_pdf(), "a.pdf", "document_complex"),
    "a PDF in too many boxes": (
        files.bare_pdf(b"<</Type/Catalog/Pages 2 0 R/X " + b"[" * 20_000 + b"]" * 20_000 + b">>"),
        "a.pdf", "document_damaged",
    ),
    "half a photo": (files.image(size=(400, 400))[:-300], "a.jpg", "document_damaged"),
    "half a PNG": (files.image("PNG", size=(400, 400))[:-100], "a.png", "document_damaged"),
    "the beginning of a photo": (b"\xff\xd8\xff\xe0", "a.jpg", "document_damaged"),
    "a bomb": (files.bomb_png(), "a.png", "image_too_large"),
    "a small bomb": (files.bomb_png(10_000, 10_000), "a.png", "image_too_large"),
    "a long bomb": (files.bomb_png(30_000, 100), "a.png", "image_too_large"),
    "less than it says": (files.bomb_png(4000, 4000), "a.png", "document_damaged"),
}  # fmt: skip


@pytest.mark.parametrize("what", BAD)
def test_what_is_not_is_refused_and_told_why(what: str) -> None:
    content, name, code = BAD[what]
    with pytest.raises(InvalidInput) as refused:
        intake.check_document(content, name)
    assert refused.value.reason == code
    assert refused.value.params["field"] == ("filename" if code == "document_extension" else "content")


def test_what_was_told_of_it_has_to_be_true() -> None:
    assert intake.check_document(files.pdf(), "a.pdf", "application/octet-stream").pages == 1
    assert intake.check_document(b"hello", "a.txt", "text/plain; charset=utf-8").media_type is MediaType.TEXT
    with pytest.raises(InvalidInput, match="document_told"):
        intake.check_document(files.pdf(), "a.pdf", "image/png")


def test_of_a_photo_the_picture_is_kept_upright_and_nothing_else() -> None:
    checked = intake.check_document(files.photo(orientation=6), "IMG_0001.jpg")
    with Image.open(BytesIO(checked.content)) as kept:
        assert kept.size == (40, 60)  # it was taken lying on its side
        assert dict(kept.getexif()) == {}
        red, _, blue = kept.getpixel((35, 5))  # type: ignore[misc]
        assert red > 200 > blue
    assert b"SECRET" not in checked.content
    assert b"Exif" not in checked.content
    assert b"SECRET" not in intake.check_document(files.commented_png(), "a.png").content


def test_what_hangs_on_a_picture_is_left_behind() -> None:
    evil = b"<?php system($_GET[0]); ?>" + files.archive_of_files("evil.exe")
    for form, name in (("JPEG", "a.jpg"), ("PNG", "a.png"), ("WEBP", "a.webp")):
        kept = intake.check_document(files.image(form) + evil, name).content
        assert b"php" not in kept
        assert b"evil" not in kept


def test_what_shines_through_stays_so_and_is_white_in_small() -> None:
    clear = Image.new("RGBA", (30, 30), (0, 0, 0, 0))
    out = BytesIO()
    clear.save(out, "PNG")
    checked = intake.check_document(out.getvalue(), "seal.png")
    assert checked.thumbnail is not None
    with Image.open(BytesIO(checked.content)) as kept, Image.open(BytesIO(checked.thumbnail)) as small:
        assert (kept.mode, kept.getpixel((5, 5))) == ("RGBA", (0, 0, 0, 0))
        assert small.getpixel((5, 5)) == (255, 255, 255)


def test_a_small_picture_is_small() -> None:
    checked = intake.check_document(files.image(size=(3000, 1000)), "a.jpg")
    assert checked.thumbnail is not None
    with Image.open(BytesIO(checked.thumbnail)) as small:
        assert (small.format, small.size) == ("JPEG", (256, 85))


def test_a_pdf_is_kept_as_it_is_and_its_pages_are_counted() -> None:
    content = files.pdf(7)
    checked = intake.check_document(content, "a.pdf")
    assert (checked.content, checked.pages, checked.thumbnail) == (content, 7, None)
    assert len(PdfReader(BytesIO(checked.content)).pages) == 7


def test_somebodys_picture_is_the_middle_of_it_square_and_small() -> None:
    checked = intake.check_picture(files.image("PNG", size=(2000, 1000)))
    with Image.open(BytesIO(checked.content)) as kept:
        assert (kept.format, kept.size) == ("JPEG", (512, 512))
    for bad in (files.pdf(), b"text"):
        with pytest.raises(InvalidInput, match="picture_kind"):
            intake.check_picture(bad)
    with pytest.raises(InvalidInput, match="document_too_large"):
        intake.check_picture(b"\xff\xd8\xff" + bytes(intake.MOST_PICTURE_BYTES))


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd.pdf", "passwd.pdf"),
        ("..\\..\\windows\\a.pdf", "a.pdf"),
        ("C:\\Users\\me\\Röntgen 1.pdf", "Röntgen 1.pdf"),
        ("/tmp/a.pdf", "a.pdf"),
        ("a\x00.pdf", "a.pdf"),
        ("a\r\nSet-Cookie: x.pdf", "aSet-Cookie x.pdf"),
        ('say "hi" <b>.pdf', "say hi b.pdf"),
        ("evil\u202efdp.exe", "evilfdp.exe"),
        ("..", ""),
        ("/", ""),
        (".pdf", "pdf"),
        ("x" * 500 + ".pdf", "x" * 196 + ".pdf"),
        ("x" * 500, "x" * 200),
    ],
)
def test_a_name_is_text_and_never_a_path(given: str, kept: str) -> None:
    assert rules.clean_filename(given) == kept


@given(st.text(max_size=400))
def test_any_name_becomes_one_that_harms_nobody(given_name: str) -> None:
    kept = rules.clean_filename(given_name)
    assert len(kept) <= rules.FILENAME_MOST
    assert PurePath(kept).name == kept
    assert not {"/", "\\", '"', "\r", "\n", "\x00"} & set(kept)
    assert rules.clean_filename(kept) == kept


@given(
    st.binary(max_size=300),
    st.sampled_from([b"", b"%PDF-1.7\n", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF....WEBP"]),
)
def test_any_bytes_are_taken_or_refused(content: bytes, start: bytes) -> None:
    try:
        checked = intake.check_document(start + content)
    except InvalidInput:
        return
    assert intake.sniff(checked.content) is checked.media_type


def test_every_type_says_whom_it_is_for() -> None:
    assert rules.TYPES.keys() == set(DocumentType)
    desk = {type_ for type_ in DocumentType if rules.is_administrative(type_)}
    assert desk == {"insurance-card", "insurance-form", "identity", "consent", "form"}
    assert {row.type for row in rules.document_types()} == set(DocumentType)
