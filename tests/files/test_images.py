"""Copies of images: upright, in sRGB, without metadata, moving where the original moves; bombs are not decoded."""

import io

import pillow_heif
import pytest
from PIL import Image, ImageCms

from chalicelib.files import images
from chalicelib.files.images import Copies, copies_of, look_at
from chalicelib.files.kinds import NotTaken
from tests.files import samples

RED, BLUE = (255, 0, 0), (0, 0, 255)


def made(content: bytes, content_type: str) -> tuple[Copies, dict[str, bytes]]:
    """The copies by name."""
    copies = copies_of(io.BytesIO(content), content_type)
    return copies, {each.name: each.content for each in copies.made}


def opened(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content))


def like(one: tuple[int, ...], other: tuple[int, ...], most: int = 40) -> bool:
    """Whether two colours look the same."""
    return all(abs(a - b) <= most for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize(
    ("width", "names"), [(320, {"full"}), (321, {"full", "small"}), (1281, {"full", "medium", "small"})]
)
def test_sizes_that_differ_are_made(width: int, names: set[str]) -> None:
    _, copies = made(samples.photo(width, 10), "image/jpeg")
    assert {name.split(".")[0] for name in copies} == names
    assert {name.split(".")[1] for name in copies} == {"webp", "avif", "jpg"}
    assert opened(copies["full.webp"]).width == width
    if "small" in names:
        assert opened(copies["small.avif"]).width == 320


def test_nothing_is_larger_than_the_largest_size() -> None:
    copies, variants = made(samples.photo(2700, 20), "image/jpeg")
    assert (copies.width, copies.height) == (2700, 20)
    assert opened(variants["full.jpg"]).size == (2560, 19)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_stands_upright(orientation: int) -> None:
    copies, variants = made(samples.photo(orientation=orientation), "image/jpeg")
    lying = orientation >= 5
    assert (copies.width, copies.height) == ((40, 60) if lying else (60, 40))
    first = opened(variants["full.webp"]).convert("RGB").getpixel((5, 5))
    assert isinstance(first, tuple)
    # Red lies at the left of what is stored; by EXIF 2.32 (4.6.4 A) that is up or left in four of them.
    assert like(first, RED if orientation in (1, 4, 5, 6) else BLUE)


def test_no_copy_tells_of_its_camera_or_place() -> None:
    original = samples.photo()
    assert opened(original).getexif().get_ifd(samples.GPS_IFD)
    _, copies = made(original, "image/jpeg")
    for name, content in copies.items():
        image = opened(content)
        assert not dict(image.getexif()), name
        assert not {"exif", "icc_profile", "xmp", "comment"} & set(image.info), name
        assert b"Secret" not in content


def test_colours_of_a_profile_are_those_of_srgb() -> None:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    # A screen whose red is sRGB's blue, and the other way round.
    swapped = srgb.replace(b"rXYZ", b"....").replace(b"bXYZ", b"rXYZ").replace(b"....", b"bXYZ")
    for profile, shown in ((swapped, BLUE), (srgb, RED), (b"no profile", RED)):
        for mode in ("RGB", "RGBA"):
            content = samples.encoded(samples.picture(mode=mode), "PNG", icc_profile=profile)
            _, copies = made(content, "image/png")
            left = opened(copies["full.webp"]).convert("RGB").getpixel((5, 5))
            assert isinstance(left, tuple)
            assert like(left, shown), (profile[:10], mode)


def test_cmyk_is_shown_as_it_is_printed() -> None:
    content = samples.encoded(samples.picture(mode="CMYK"), "JPEG", quality=95)
    assert opened(content).mode == "CMYK"
    _, copies = made(content, "image/jpeg")
    for name in ("full.webp", "full.jpg"):
        image = opened(copies[name])
        assert image.mode == "RGB"
        left, right = image.getpixel((5, 5)), image.getpixel((55, 35))
        assert isinstance(left, tuple)
        assert isinstance(right, tuple)
        assert like(left, RED), name
        assert like(right, BLUE), name


def test_sixteen_bits_and_grey_and_palettes_keep_their_light() -> None:
    deep = Image.new("I;16", (40, 30), 0x8000)
    _, copies = made(samples.encoded(deep, "PNG"), "image/png")
    grey = opened(copies["full.jpg"]).getpixel((5, 5))
    assert isinstance(grey, tuple)
    assert like(grey, (128, 128, 128), 3)
    for mode in ("L", "P", "1"):
        _, copies = made(samples.png(mode=mode), "image/png")
        assert opened(copies["full.webp"]).size == (60, 40)


def test_what_is_transparent_stays_so() -> None:
    image = samples.picture(mode="RGBA")
    image.putalpha(0)
    _, copies = made(samples.encoded(image, "PNG"), "image/png")
    assert set(copies) == {"full.webp", "full.avif", "full.png"}
    for content in copies.values():
        assert opened(content).convert("RGBA").getchannel("A").getextrema() == (0, 0)


@pytest.mark.parametrize(("form", "content_type"), [("GIF", "image/gif"), ("WEBP", "image/webp"), ("PNG", "image/png")])
def test_what_moves_moves_on(form: str, content_type: str) -> None:
    _, copies = made(samples.animation(3, form), content_type)
    assert set(copies) == {"full.webp", "full.png"}
    moving = opened(copies["full.webp"])
    assert getattr(moving, "n_frames", 1) == 3
    durations = []
    for number in range(3):
        moving.seek(number)
        moving.load()
        durations.append(moving.info["duration"])
    assert durations == [100, 200, 300]


def test_heic_and_avif_are_read() -> None:
    written = io.BytesIO()
    pillow_heif.from_pillow(samples.picture(64, 48)).save(written, quality=90)
    copies, variants = made(written.getvalue(), "image/heic")
    assert (copies.width, copies.height, set(variants)) == (64, 48, {"full.webp", "full.avif", "full.jpg"})
    left = opened(variants["full.jpg"]).getpixel((5, 5))
    assert isinstance(left, tuple)
    assert like(left, RED)
    _, variants = made(samples.encoded(samples.picture(), "AVIF"), "image/avif")
    assert opened(variants["full.webp"]).size == (60, 40)


@pytest.mark.parametrize(
    ("width", "height", "taken"), [(10_000, 5_000, True), (10_000, 5_001, False), (1, 2**31 - 1, False)]
)
def test_the_header_alone_says_what_is_too_large(width: int, height: int, taken: bool) -> None:
    content = io.BytesIO(samples.lying_png(width, height))
    if taken:
        look_at(content, "image/png")
        return
    with pytest.raises(NotTaken, match="pixels") as refused:
        look_at(content, "image/png")
    assert refused.value.code == "bomb"


def test_too_many_frames_are_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "MOST_FRAMES", 2)
    with pytest.raises(NotTaken) as refused:
        made(samples.animation(3), "image/gif")
    assert refused.value.code == "bomb"
    monkeypatch.setattr(images, "MOST_FRAMES", 3)
    assert made(samples.animation(3), "image/gif")[1]
    monkeypatch.setattr(images, "MOST_ANIMATED_PIXELS", 3 * 40 * 30 - 1)
    with pytest.raises(NotTaken):
        made(samples.animation(3), "image/gif")


def test_long_animations_become_small() -> None:
    frames = images._animated(opened(samples.animation(3)), 100_000)
    assert all(max(copy.width, copy.height) < 40 for copy in frames)


def test_only_its_own_decoder_is_asked() -> None:
    with pytest.raises(NotTaken) as refused:
        made(samples.png(), "image/jpeg")
    assert refused.value.code == "unreadable"


def test_whatever_is_cut_off_is_refused() -> None:
    cut = {"image/jpeg": samples.photo(), "image/png": samples.png(), "image/gif": samples.animation()}
    reasons = set()
    for content_type, content in cut.items():
        for length in range(0, len(content) - 20, max(1, len(content) // 12)):
            try:
                made(content[:length], content_type)
            except NotTaken as refusal:
                reasons.add(refusal.code)
    assert reasons == {"unreadable"}
