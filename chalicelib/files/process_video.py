"""The job that makes a poster and a compressed copy of a video; without them it stays as it is, with the reason."""

import tempfile
from pathlib import Path

from chalicelib.core.jobs import JobContext
from chalicelib.core.logging import log
from chalicelib.files import object_store
from chalicelib.files.file import Content, Variant
from chalicelib.files.jobs import ProcessVideo
from chalicelib.files.processed import awaited, finish
from chalicelib.files.video import CannotCompress, compress


def process(job: ProcessVideo, context: JobContext) -> None:
    """Put poster and copy beside the original; done again, it puts the same. Three requests, one transaction."""
    content = awaited(job.company_id, job.file_id, job.number)
    if content is None:
        return
    try:
        with tempfile.TemporaryDirectory() as folder:
            made = _make(job, content, Path(folder))
    except CannotCompress as failure:
        log.warning(
            "video left as it is", extra={"file_id": job.file_id, "reason": failure.reason, "said": str(failure)}
        )
        finish(job, context, {"processing": "left", "reason": failure.reason})
        return
    finish(job, context, made)


def _make(job: ProcessVideo, content: Content, folder: Path) -> dict[str, object]:
    source = folder / "source"
    with source.open("w+b") as stream:
        object_store.read(object_store.kept_key(job.company_id, job.file_id, content.place), stream)
    made = compress(source, content.content_type, folder)
    variants = []
    for path, content_type in ((made.poster, "image/jpeg"), (made.video, "video/mp4")):
        key = object_store.kept_key(job.company_id, job.file_id, content.place, path.name)
        with path.open("rb") as stream:
            object_store.put(key, stream, content_type)
        variants.append(Variant(path.name, content_type, path.stat().st_size, made.width, made.height))
    return {"width": made.width, "height": made.height, "variants": tuple(variants), "processing": "done"}
