"""What is done later with files."""

from chalicelib.core.events import Job


class CheckFile(Job):
    """Look at an upload: what it is, whether it is harmless; take it or refuse it."""

    queue = "image_compression"
    handler = "chalicelib.files.check:check"
    timeout_seconds = 120

    file_id: str
    upload_id: str


class ProcessImageOptimization(Job):
    """Make the smaller copies of an image, without what its metadata tell."""

    queue = "image_compression"
    handler = "chalicelib.files.process_image:process"
    attempts = 4
    timeout_seconds = 120

    file_id: str
    number: int


class ProcessVideo(Job):
    """Make a poster and a compressed copy of a video."""

    queue = "video_compression"
    handler = "chalicelib.files.process_video:process"
    attempts = 3
    timeout_seconds = 600

    file_id: str
    number: int


class TidyFile(Job):
    """See to a file's uploads that never came or were never told of, to what was left behind, to what was deleted."""

    queue = "default"
    handler = "chalicelib.files.tidy:tidy"

    file_id: str


class FollowFileRequest(Job):
    """Remind of a request for files, or let it expire."""

    queue = "default"
    handler = "chalicelib.files.follow_request:follow"

    request_id: str
