"""Decodes images within bounds and encodes them anew: upright, in the colours of the screen, with nothing beside the picture."""

from __future__ import annotations

from io import BytesIO

from PIL import Image, ImageCms, ImageOps

from clinicdesk.core.errors import InvalidInput
from clinicdesk.features.documents.schemas import MediaType

MOST_PIXELS = 50_000_000
MOST_SIDE = 20_000
PICTURE_SIDE = 512
THUMBNAIL_SIDE = 256

_FORMATS = {MediaType.JPEG: "JPEG", MediaType.PNG: "PNG", MediaType.WEBP: "WEBP"}
_SRGB = ImageCms.createProfile("sRGB")


def decode(content: bytes, kind: MediaType) -> Image.Image:
    """The picture in an image of this kind, as a person sees it; of a moving one the first frame.

    Raises InvalidInput("image_too_large") before any of it is decoded, InvalidInput("document_damaged").
    """
    try:
        with Image.open(BytesIO(content), formats=(_FORMATS[kind],)) as image:
            width, height = image.size
            if width * height > MOST_PIXELS or max(width, height) > MOST_SIDE:
                raise Image.DecompressionBombError
            image.load()
            return _bare(ImageOps.exif_transpose(image))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise InvalidInput("image_too_large", field="content", most=MOST_PIXELS // 1_000_000) from error
    except Exception as error:  # whatever a decoder makes of what somebody has put together
        raise InvalidInput("document_damaged", field="content") from error


def encode(image: Image.Image, kind: MediaType) -> bytes:
    """The picture as an image of this kind, without visible loss."""
    out = BytesIO()
    if kind is MediaType.JPEG:
        _on_white(image).save(out, "JPEG", quality=95, subsampling=0, optimize=True)
    elif kind is MediaType.PNG:
        image.save(out, "PNG")
    else:
        image.save(out, "WEBP", quality=95)
    return out.getvalue()


def thumbnail(image: Image.Image) -> bytes:
    """The picture small, as a JPEG."""
    small = _on_white(image)
    small.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
    out = BytesIO()
    small.save(out, "JPEG", quality=80)
    return out.getvalue()


def square(image: Image.Image) -> Image.Image:
    """The middle of the picture, no larger than a picture of a person has to be."""
    side = min(PICTURE_SIDE, *image.size)
    return ImageOps.fit(image, (side, side))


def _bare(image: Image.Image) -> Image.Image:
    """The pixels alone, grey or coloured, with what shines through where something does."""
    profile = image.info.get("icc_profile")
    if image.mode in ("LA", "PA", "RGBA", "La", "RGBa") or "transparency" in image.info:
        mode = "RGBA"
    else:
        mode = "L" if image.mode in ("1", "L", "I", "F") or image.mode.startswith("I;") else "RGB"
    if profile and image.mode in ("RGB", "CMYK"):
        image = _in_srgb(image, profile)
    if image.mode == "I" or image.mode.startswith("I;"):
        image = image.point(lambda value: value / 256)  # 16 bits of grey, which would be cut off else
    converted = image.convert(mode)
    bare = Image.new(mode, converted.size)
    bare.paste(converted)
    return bare


def _in_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    try:
        found = ImageCms.ImageCmsProfile(BytesIO(profile))
        return ImageCms.profileToProfile(image, found, _SRGB, outputMode="RGB") or image
    except (ImageCms.PyCMSError, OSError, ValueError):  # a profile that nobody can read says nothing
        return image


def _on_white(image: Image.Image) -> Image.Image:
    """The picture without anything that shines through; a new one."""
    if image.mode != "RGBA":
        return image.copy()
    white = Image.new("RGB", image.size, "white")
    white.paste(image, mask=image.getchannel("A"))
    return white
