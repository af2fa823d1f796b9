"""Files as people have them, and as others make them up."""

from __future__ import annotations

import struct
import zipfile
import zlib
from io import BytesIO
from typing import Any

from PIL import Image, PngImagePlugin
from pypdf import PdfWriter
from pypdf.generic import ArrayObject, DictionaryObject, NameObject, TextStringObject


def image(form: str = "JPEG", size: tuple[int, int] = (60, 40), mode: str = "RGB", **how: Any) -> bytes:
    """An image of which the upper left quarter is red and the rest is blue."""
    out = BytesIO()
    picture = Image.new("RGB", size, "blue")
    picture.paste("red", (0, 0, size[0] // 2, size[1] // 2))
    picture.convert(mode).save(out, form, **how)
    return out.getvalue()


def photo(orientation: int = 6) -> bytes:
    """A JPEG as a telephone takes it: turned, with the place and the owner in it."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010F] = "SECRETPHONE"
    exif.get_ifd(0x8825)[2] = (52.0, 31.0, 12.0)
    return image(exif=exif.tobytes(), comment=b"SECRETCOMMENT")


def commented_png() -> bytes:
    """A PNG with text in it."""
    facts = PngImagePlugin.PngInfo()
    facts.add_text("Author", "SECRETAUTHOR")
    return image("PNG", pnginfo=facts)


def bomb_png(width: int = 60_000, height: int = 60_000) -> bytes:
    """A PNG of a few hundred bytes that says it has billions of pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    )


def pdf(pages: int = 1, *, compress: bool = False, **parts: Any) -> bytes:
    """A PDF of blank pages; `parts` go into its root, such as `OpenAction={...}`."""
    writer = PdfWriter()
    for _ in range(pages):
        writer.add_blank_page(200, 200)
    for name, value in parts.items():
        writer.root_object[NameObject(f"/{name}")] = writer._add_object(made(value))
    return written(writer, compress=compress)


def written(writer: PdfWriter, *, compress: bool = False) -> bytes:
    if compress:
        writer.compress_identical_objects()
    out = BytesIO()
    writer.write(out)
    return out.getvalue()


def made(value: Any) -> Any:
    """Python's own values as those of a PDF; text that begins with a slash is a name."""
    if isinstance(value, dict):
        return DictionaryObject({NameObject(f"/{key}"): made(inner) for key, inner in value.items()})
    if isinstance(value, list):
        return ArrayObject([made(inner) for inner in value])
    if isinstance(value, str):
        return NameObject(value) if value.startswith("/") else TextStringObject(value)
    return value


def locked_pdf() -> bytes:
    """A PDF with a password."""
    writer = PdfWriter()
    writer.add_blank_page(200, 200)
    writer.encrypt("hush", algorithm="AES-256")
    return written(writer)


def carrying_pdf() -> bytes:
    """A PDF with a program attached."""
    writer = PdfWriter()
    writer.add_blank_page(200, 200)
    writer.add_attachment("setup.exe", b"MZ")
    return written(writer)


def annotated_pdf(action: dict[str, Any]) -> bytes:
    """A PDF with something to click on."""
    writer = PdfWriter()
    page = writer.add_blank_page(200, 200)
    link = made({"Type": "/Annot", "Subtype": "/Link", "A": action})
    page[NameObject("/Annots")] = ArrayObject([writer._add_object(link)])
    return written(writer)


def packed_pdf(key: str) -> bytes:
    """A PDF whose objects lie in a compressed stream, where no search for words finds what they say."""
    held = zlib.compress(
        b"1 0 2 60 3 120 "
        + b"<</Type/Catalog/Pages 2 0 R/OpenAction 3 0 R>>".ljust(60)
        + b"<</Type/Pages/Kids[4 0 R]/Count 1>>".ljust(60)
        + f"<</S/{key}/{'JS' if key == 'JavaScript' else 'F'}(x)>>".encode().ljust(60)
    )
    body = b"%PDF-1.7\n"
    places = {}
    for number, text in (
        (4, b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>"),
        (
            5,
            b"<</Type/ObjStm/N 3/First 15/Filter/FlateDecode/Length %d>>stream\n" % len(held) + held + b"\nendstream",
        ),
    ):
        places[number] = len(body)
        body += b"%d 0 obj\n" % number + text + b"\nendobj\n"
    places[6] = start = len(body)
    rows = [(0, 0, 0), (2, 5, 0), (2, 5, 1), (2, 5, 2), (1, places[4], 0), (1, places[5], 0), (1, places[6], 0)]
    table = zlib.compress(b"".join(struct.pack(">BHB", *row) for row in rows))
    body += b"6 0 obj\n<</Type/XRef/Size 7/W[1 2 1]/Root 1 0 R/Filter/FlateDecode/Length %d>>stream\n" % len(table)
    return body + table + b"\nendstream\nendobj\nstartxref\n%d\n%%%%EOF\n" % start


def bare_pdf(*objects: bytes) -> bytes:
    """A PDF with these objects, numbered from 1 on; the first is its root."""
    body, places = bytearray(b"%PDF-1.7\n"), []
    for number, held in enumerate(objects, 1):
        places.append(b"%010d 00000 n \n" % len(body))
        body += b"%d 0 obj\n%b\nendobj\n" % (number, held)
    start = len(body)
    body += b"xref\n0 %d\n0000000000 65535 f \n%b" % (len(objects) + 1, b"".join(places))
    body += b"trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)
    return bytes(body)


def multiplying_pdf() -> bytes:
    """A PDF of 27 objects that says it has millions of pages: each branch has the next one twice."""
    branches = [b"<</Type/Pages/Kids[%d 0 R %d 0 R]/Count 2>>" % (number + 1, number + 1) for number in range(2, 27)]
    return bare_pdf(b"<</Type/Catalog/Pages 2 0 R>>", *branches, b"<</Type/Page/MediaBox[0 0 9 9]>>")


def circular_pdf() -> bytes:
    """A PDF whose pages are a part of themselves."""
    return bare_pdf(b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[2 0 R]/Count 1>>")


def hiding_pdf() -> bytes:
    """A PDF with a script that its table of contents does not name; a reader that mends tables finds it."""
    page = b"<</Type/Page/MediaBox[0 0 9 9]>>\nendobj\n9 0 obj\n<</S/JavaScript/JS(x)>>"
    return bare_pdf(b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[3 0 R]/Count 1>>", page)


def crowded_pdf() -> bytes:
    """A PDF with more parts than anybody needs."""
    page = (b"<</Type/Pages/Kids[3 0 R]/Count 1>>", b"<</Type/Page/MediaBox[0 0 9 9]>>")
    return bare_pdf(b"<</Type/Catalog/Pages 2 0 R>>", *page, *[b"<<>>"] * 30_000)


def archive_of_files(*names: str) -> bytes:
    """A ZIP with files of these names."""
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        for name in names:
            packed.writestr(name, "x")
    return out.getvalue()
