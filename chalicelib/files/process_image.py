"""The job that makes the copies of an image and lets it be given out."""

import tempfile

from chalicelib.core.jobs import JobContext
from chalicelib.core.logging import log
from chalicelib.files import object_store
from chalicelib.files.file import Content, Variant
from chalicelib.files.images import copies_of
from chalicelib.files.jobs import ProcessImageOptimization
from chalicelib.files.kinds import NotTaken
from chalicelib.files.processed import awaited, drop, finish

IN_MEMORY = 64 * 1024 * 1024


def process(job: ProcessImageOptimization, context: JobContext) -> None:
    """Put every copy beside the original; done again, it puts the same. An image that cannot be decoded is refused.

    One request to the bucket for the original and one for each copy, one transaction.
    """
    content = awaited(job.company_id, job.file_id, job.number)
    if content is None:
        return
    try:
        width, height, variants = _make(job, content)
    except NotTaken as refusal:
        drop(job, context, refusal.code)
        log.info("image refused", extra={"file_id": job.file_id, "reason": refusal.code})
        return
    finish(job, context, {"width": width, "height": height, "variants": variants, "processing": "done"})


def _make(job: ProcessImageOptimization, content: Content) -> tuple[int, int, tuple[Variant, ...]]:
    original = object_store.kept_key(job.company_id, job.file_id, content.place)
    with tempfile.SpooledTemporaryFile(IN_MEMORY) as source:
        object_store.read(original, source)
        copies = copies_of(source, content.content_type)
        made = []
        for copy in copies.made:
            key = object_store.kept_key(job.company_id, job.file_id, content.place, copy.name)
            object_store.put(key, copy.content, copy.content_type)
            made.append(Variant(copy.name, copy.content_type, len(copy.content), copy.width, copy.height))
    return copies.width, copies.height, tuple(made)
