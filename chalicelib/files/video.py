"""A poster and a compressed copy of a video, by ffmpeg; nothing of where and by what it was taken."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

from chalicelib.core.settings import settings

LONGEST_SECONDS = 1800
"""Of video; longer ones are left as they are."""
WORK_SECONDS = 480
"""How long ffmpeg may take for one video."""
LONGER_EDGE = 1280
QUALITY = 26
"""x264's constant rate factor: lower is larger and better."""
DEMUXERS = {"video/mp4": "mov", "video/quicktime": "mov", "video/webm": "matroska"}
"""The one each type is given to: others follow what a file says to other files and addresses."""
_FIT = (
    f"scale='min({LONGER_EDGE},iw)':'min({LONGER_EDGE},ih)':force_original_aspect_ratio=decrease:force_divisible_by=2"
)


class CannotCompress(Exception):
    """There is no copy; `reason`: a stable code."""

    def __init__(self, reason: str, said: str = "") -> None:
        super().__init__(said or reason)
        self.reason = reason


class Compressed(NamedTuple):
    """Files in the folder that was given, and the video's width and height in px."""

    poster: Path
    video: Path
    width: int
    height: int


def program() -> str:
    """ffmpeg: what the setting names, else the one that was packed, else the machine's; raises CannotCompress."""
    named = settings().ffmpeg
    if named:
        return named
    try:
        from imageio_ffmpeg import get_ffmpeg_exe

        return str(get_ffmpeg_exe())
    except (ImportError, RuntimeError):
        found = shutil.which("ffmpeg")
    if not found:
        raise CannotCompress("no_ffmpeg", "There is no ffmpeg here: install it, or name it in PILOT_FFMPEG.")
    return found


def compress(source: Path, content_type: str, folder: Path) -> Compressed:
    """Make both in `folder`; raises CannotCompress with `no_ffmpeg`, `unreadable`, `too_long`."""
    ffmpeg = program()
    read = ["-f", DEMUXERS[content_type], "-i", f"file:{source}"]
    poster, small = folder / "poster.jpg", folder / "full.mp4"
    _run(ffmpeg, ["-t", str(LONGEST_SECONDS), *read, "-frames:v", "1", "-vf", _FIT, "-f", "image2", str(poster)])
    _run(
        ffmpeg,
        [
            *read, "-map", "0:v:0", "-map", "0:a:0?", "-t", str(LONGEST_SECONDS + 1), "-map_metadata", "-1",
            "-map_chapters", "-1", "-vf", f"{_FIT},format=yuv420p", "-c:v", "libx264", "-preset", "veryfast",
            "-crf", str(QUALITY), "-c:a", "aac", "-b:a", "96k", "-ac", "2", "-movflags", "+faststart", "-f", "mp4",
            str(small),
        ],
    )  # fmt: skip
    width, height, seconds = _about(ffmpeg, small)
    if seconds > LONGEST_SECONDS:
        raise CannotCompress("too_long", f"Videos of at most {LONGEST_SECONDS // 60} minutes are compressed.")
    return Compressed(poster, small, width, height)


def _run(ffmpeg: str, arguments: list[str]) -> None:
    begin = [ffmpeg, "-hide_banner", "-loglevel", "error", "-nostdin", "-y", "-protocol_whitelist", "file"]
    try:
        done = subprocess.run([*begin, *arguments], capture_output=True, timeout=WORK_SECONDS, check=False)  # noqa: S603
    except subprocess.TimeoutExpired:
        raise CannotCompress("too_long", f"ffmpeg did not end within {WORK_SECONDS} seconds.") from None
    except OSError as error:
        raise CannotCompress("no_ffmpeg", f"{ffmpeg} does not run: {error}") from None
    if done.returncode != 0:
        raise CannotCompress("unreadable", done.stderr.decode("utf-8", "replace")[-500:])


def _about(ffmpeg: str, video: Path) -> tuple[int, int, float]:
    """Width, height and seconds, from the headers of what ffmpeg has just written itself."""
    told = subprocess.run(  # noqa: S603
        [ffmpeg, "-hide_banner", "-nostdin", "-i", f"file:{video}"], capture_output=True, timeout=30, check=False
    ).stderr.decode("utf-8", "replace")
    size = re.search(r"Video:.*?\b(\d{2,5})x(\d{2,5})\b", told)
    lasting = re.search(r"Duration: (\d+):(\d+):(\d+\.?\d*)", told)
    if size is None or lasting is None:
        raise CannotCompress("unreadable", told[-500:])
    hours, minutes, seconds = (float(part) for part in lasting.groups())
    return int(size[1]), int(size[2]), hours * 3600 + minutes * 60 + seconds
