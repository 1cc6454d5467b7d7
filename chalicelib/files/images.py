"""Copies of images in set sizes: upright, in sRGB, without anything but their pixels."""

import io
import math
import struct
from collections.abc import Iterator
from contextlib import suppress
from typing import IO, Any, NamedTuple

from PIL import Image, ImageCms, ImageOps, ImageSequence, UnidentifiedImageError

from chalicelib.files.kinds import NotTaken

SIZES = {"full": 2560, "medium": 1280, "small": 320}
"""The longer edge in px; nothing is made larger than it is."""
MOST_PIXELS = 100_000_000
"""Of an image; a phone's largest usual photograph has 50 million. JPEG is decoded at less than its size."""
MOST_PIXELS_AT_FULL_SIZE = 50_000_000
"""Of formats that can only be decoded whole."""
MOST_FRAMES = 300
MOST_ANIMATED_PIXELS = 200_000_000
"""Of all frames together."""
MOST_KEPT_PIXELS = 60_000_000
"""Of all frames of a copy together, 4 bytes each in memory: what is more is made smaller."""
LONGEST_ANIMATED_EDGE = 1280
ANIMATED = ("GIF", "WEBP", "PNG", "AVIF")
FORMATS = {
    "image/jpeg": "JPEG",
    "image/png": "PNG",
    "image/gif": "GIF",
    "image/webp": "WEBP",
    "image/avif": "AVIF",
    "image/heic": "HEIF",
}
"""The one decoder that each type is given to."""
WEBP_QUALITY, AVIF_QUALITY, JPEG_QUALITY = 80, 62, 85
AVIF_SPEED = 9
"""0 is best, 10 is quickest."""
SRGB = ImageCms.createProfile("sRGB")
BROKEN = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    EOFError,
    IndexError,
    MemoryError,
    struct.error,
    UnidentifiedImageError,
)
"""What decoders raise of damaged and of hostile images."""

# Ours is asked before anything is decoded, and is the same for every format.
Image.MAX_IMAGE_PIXELS = None


class Copy(NamedTuple):
    """A copy: `name` such as `full.webp`, its bytes, width and height in px."""

    name: str
    content_type: str
    content: bytes
    width: int
    height: int


class Copies(NamedTuple):
    """An image's width and height in px, upright, and its copies, made one by one as they are taken."""

    width: int
    height: int
    made: Iterator[Copy]


def look_at(content: IO[bytes], content_type: str) -> None:
    """Decodes nothing; raises NotTaken for what says that it is too large, and for what is none."""
    _opened(content, content_type)


def copies_of(content: IO[bytes], content_type: str) -> Copies:
    """Its copies; raises NotTaken for what cannot be decoded. Takes some 300 MB at 12 megapixels.

    A still image: WebP and AVIF in each size, and one in full size as JPEG, or as PNG where it is transparent. What
    moves: WebP that moves in each size, and its first frame.
    """
    image = _opened(content, content_type)
    width, height = image.size
    frames = _frames_of(image)
    if frames > 1:
        return Copies(width, height, _animated(image, frames))
    still: Image.Image = _guarded(lambda: _prepared(_reduced(image)))
    turned = (still.width > still.height) != (width > height) and still.width != still.height
    return Copies(*((height, width) if turned else (width, height)), _still(still))


def _opened(content: IO[bytes], content_type: str) -> Image.Image:
    if content_type == "image/heic":
        import pillow_heif

        pillow_heif.register_heif_opener(thumbnails=False, depth_images=False, aux_images=False)
    try:
        image = Image.open(content, formats=(FORMATS[content_type],))
    except BROKEN:
        raise NotTaken("unreadable", "The image is damaged, or none.") from None
    most = MOST_PIXELS if image.format in ("JPEG", "MPO") else MOST_PIXELS_AT_FULL_SIZE
    if image.width * image.height > most:
        raise NotTaken("bomb", f"The image has {image.width} × {image.height} pixels; {most} are taken.")
    return image


def _guarded(work: Any) -> Any:
    try:
        return work()
    except BROKEN:
        raise NotTaken("unreadable", "The image is damaged.") from None


def _frames_of(image: Image.Image) -> int:
    """How many frames move, which are few enough; counted one by one, since a header may say anything."""
    if image.format not in ANIMATED:
        return 1  # further images in JPEG and HEIC are previews and depths
    each, frames = image.width * image.height, 0
    try:
        while True:
            image.seek(frames)
            frames += 1
            if frames > MOST_FRAMES or frames * each > MOST_ANIMATED_PIXELS:
                raise NotTaken("bomb", f"The image has more than {frames - 1} frames of {each} pixels.")
    except EOFError:
        pass
    except BROKEN:
        raise NotTaken("unreadable", "The image is damaged.") from None
    image.seek(0)
    return frames


def _reduced(image: Image.Image) -> Image.Image:
    # JPEG can be decoded at a half, a quarter or an eighth: a fraction of the time and of the memory.
    image.draft(None, (SIZES["full"], SIZES["full"]))
    image.load()
    return image


def _prepared(image: Image.Image) -> Image.Image:
    """Upright, in sRGB, and nothing else that a file says of itself."""
    profile = image.info.get("icc_profile")
    upright = ImageOps.exif_transpose(image)
    transparent = upright.mode in ("LA", "PA", "RGBA", "RGBa") or "transparency" in upright.info
    if upright.mode.startswith("I;16"):
        upright = upright.point(lambda value: value / 256, "L")  # 16 bits a pixel would be cut off at 255
    elif upright.mode == "I":
        upright = upright.point(lambda value: value / 256).convert("L")
    plain = _to_srgb(upright, profile, "RGBA" if transparent else "RGB")
    plain.info = {}
    return plain


def _to_srgb(image: Image.Image, profile: bytes | None, mode: str) -> Image.Image:
    if profile and image.mode in ("RGB", "CMYK", "L", "RGBA"):
        alpha = image.getchannel("A") if image.mode == "RGBA" else None
        with suppress(ImageCms.PyCMSError, OSError, ValueError, TypeError):  # a broken profile: as if there were none
            coloured = image.convert("RGB") if alpha is not None else image
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            found = ImageCms.profileToProfile(coloured, source, SRGB, outputMode="RGB")
            if found is not None:
                if alpha is not None:
                    found.putalpha(alpha)
                return found if found.mode == mode else found.convert(mode)
    return image if image.mode == mode else image.convert(mode)


def _still(image: Image.Image) -> Iterator[Copy]:
    current, made = image, None
    for name, edge in SIZES.items():
        smaller = _within(current, edge)
        if made is not None and smaller.size == made:
            continue  # it is as small as that already
        current, made = smaller, smaller.size
        yield _saved(current, f"{name}.webp", "WEBP", quality=WEBP_QUALITY, method=4)
        yield _saved(current, f"{name}.avif", "AVIF", quality=AVIF_QUALITY, speed=AVIF_SPEED)
        if name == "full" and image.mode == "RGBA":
            yield _saved(current, "full.png", "PNG")
        elif name == "full":
            yield _saved(current, "full.jpg", "JPEG", quality=JPEG_QUALITY, progressive=True, optimize=True)


def _animated(image: Image.Image, count: int) -> Iterator[Copy]:
    made = None
    shrink = math.sqrt(min(1.0, MOST_KEPT_PIXELS / (count * image.width * image.height)))
    longest = min(LONGEST_ANIMATED_EDGE, int(max(image.size) * shrink))
    for name, edge in SIZES.items():
        frames, durations = _guarded(lambda edge=edge: _frames(image, min(edge, longest)))
        if made is not None and frames[0].size == made:
            continue
        made = frames[0].size
        options = {"save_all": True, "append_images": frames[1:], "duration": durations, "loop": 0}
        yield _saved(frames[0], f"{name}.webp", "WEBP", quality=WEBP_QUALITY, method=2, **options)
        if name == "full":
            yield _saved(frames[0], "full.png", "PNG")


def _frames(image: Image.Image, edge: int) -> tuple[list[Image.Image], list[int]]:
    frames, durations = [], []
    for frame in ImageSequence.Iterator(image):
        plain = _within(frame.convert("RGBA"), edge)
        # WebP says how long a frame lasts only once it has been decoded.
        durations.append(int(frame.info.get("duration", 100)) or 100)
        plain.info = {}
        frames.append(plain)
    image.seek(0)
    return frames, durations


def _within(image: Image.Image, edge: int) -> Image.Image:
    longer = max(image.size)
    if longer <= edge:
        return image
    size = tuple(max(1, round(side * edge / longer)) for side in image.size)
    return image.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)


def _saved(image: Image.Image, name: str, form: str, **options: Any) -> Copy:
    written = io.BytesIO()
    image.save(written, form, **options)
    return Copy(name, Image.MIME[form], written.getvalue(), image.width, image.height)
