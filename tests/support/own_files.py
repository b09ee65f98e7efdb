"""People's own files, sent as a site sends them, and what became of them."""

import io
import zipfile
from collections.abc import Mapping
from typing import Any

from catalog.models import WatchEvent
from tests.support.api import ApiClient
from tests.support.cast import EVE

Event = tuple[int, str, str, float | None]  # movie, kind, day, stars


def pack_zip(files: Mapping[str, str | bytes], folder: str = "") -> bytes:
    """Return an archive of the files."""
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(f"{folder}{name}", text)
    return body.getvalue()


def send_file(client: ApiClient, body: str | bytes, query: str = "", expect: int = 200, name: str = "") -> Any:
    """Send a file into Eve's history, under its name where it has one."""
    headers = {"HTTP_CONTENT_DISPOSITION": f'attachment; filename="{name}"'} if name else {}
    content = body if isinstance(body, bytes) else body.encode()
    path = f"/users/{EVE}/history{query}"
    return client.post(path, content, content_type="application/octet-stream", expect=expect, **headers)


def stored_events() -> list[Event]:
    """Return Eve's events by moment and kind."""
    rows = WatchEvent.objects.filter(viewer_id=EVE).order_by("occurred_at", "kind")
    return [(row.movie_id, row.get_kind_display(), f"{row.occurred_at:%Y-%m-%d}", row.rating) for row in rows]
