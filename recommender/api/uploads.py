"""Files in the bodies of calls: their type and encoding, and the file itself on disk while it is read."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, cast

from django.utils.http import parse_header_parameters
from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.request import Request

from catalog.exchange.text_encoding import ENCODINGS, python_encoding
from recommender.serving.concurrency import FILE_TRANSFERS

MAX_BYTES_IN_MEMORY = 4 * 1024 * 1024  # a longer file lies on disk while it is read
BLOCK_BYTES = 1 << 16
MAX_NAME_LENGTH = 200  # characters of a file's name


@contextmanager
def uploaded_file(request: Request) -> Iterator[BinaryIO]:
    """Yield the body as a file, at its start; it holds a slot for file transfers meanwhile. Raises Overloaded."""
    with FILE_TRANSFERS.slot(), SpooledTemporaryFile(MAX_BYTES_IN_MEMORY) as spool:
        shutil.copyfileobj(request._request, spool, BLOCK_BYTES)
        spool.seek(0)
        yield cast(BinaryIO, spool)


def content_type_and_encoding(request: Request) -> tuple[str, str | None]:
    """Return the content type of the body, and its charset as Python names it; None where it names none.

    Raises UnsupportedMediaType for a charset that is not read.
    """
    content_type, parameters = parse_header_parameters(request.content_type or "")
    charset = parameters.get("charset")
    encoding = python_encoding(charset) if charset else None
    if charset and encoding is None:
        raise UnsupportedMediaType(request.content_type, f"Send a charset of {', '.join(ENCODINGS)}.")
    return content_type, encoding


def uploaded_name(request: Request) -> str:
    """Return the file's own name, where the client says it (Content-Disposition: attachment; filename="diary.csv")."""
    _, parameters = parse_header_parameters(request.headers.get("Content-Disposition", ""))
    return str(parameters.get("filename", ""))[:MAX_NAME_LENGTH]
