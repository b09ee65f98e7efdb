"""GET /schema and /docs, the same for everyone: rendered and compressed once a process, then served from memory."""

import threading
from collections.abc import Callable
from hashlib import blake2b
from typing import Any, NamedTuple

from compression_middleware.middleware import compressor
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.utils.http import parse_etags
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView
from rest_framework.request import Request
from rest_framework.response import Response

from recommender import process_state


class Document(NamedTuple):
    """A rendered answer."""

    headers: dict[str, str]
    bodies: dict[str | None, bytes]  # by Content-Encoding; None: as it is


_documents: dict[tuple[str, str], Document] = {}  # by view and media type: a handful
process_state.register("API: rendered documents", _documents.clear)
_lock = threading.Lock()


def from_memory(view: Callable[..., Response], name: str) -> Callable[..., HttpResponse]:
    """Return the view's handler, which answers from memory from the second call on."""

    def get(self: Any, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
        media_type = request.accepted_renderer.media_type or ""
        with _lock:
            document = _documents.get((name, media_type))
            if document is None:
                parameters = request._request.GET.copy()
                for parameter in set(parameters) - {"format"}:
                    del parameters[parameter]  # what all are served must hold nothing of the first caller
                request._request.GET = parameters  # type: ignore[assignment]
                document = _documents[name, media_type] = _render(self, view(self, request, *args, **kwargs), request)
        return _respond(request._request, document)

    return get


def _render(view: Any, response: Response, request: Request) -> Document:
    rendered = view.finalize_response(request, response).render()
    headers = {name: rendered.headers[name] for name in ("Content-Type", "Content-Disposition") if name in rendered}
    headers["ETag"] = f'W/"{blake2b(rendered.content, digest_size=12).hexdigest()}"'
    headers |= {"Cache-Control": "no-cache", "Vary": "Accept, Accept-Encoding"}
    return Document(headers, {None: rendered.content})


def _respond(request: HttpRequest, document: Document) -> HttpResponse:
    if document.headers["ETag"] in parse_etags(request.headers.get("If-None-Match", "")):
        headers = {name: document.headers[name] for name in ("ETag", "Cache-Control", "Vary")}
        return HttpResponseNotModified(headers=headers)
    encoding, compress, _ = compressor(request.headers.get("Accept-Encoding", ""))
    if encoding not in document.bodies:
        document.bodies[encoding] = compress(document.bodies[None])
    headers = document.headers | ({"Content-Encoding": encoding} if encoding else {})
    return HttpResponse(document.bodies[encoding], headers=headers)


class SchemaView(SpectacularAPIView):
    """The OpenAPI schema, as YAML or JSON."""

    authentication_classes = permission_classes = throttle_classes = ()
    get = extend_schema(exclude=True)(from_memory(SpectacularAPIView.get, "schema"))


class DocsView(SpectacularSwaggerView):
    """The interactive documentation."""

    authentication_classes = permission_classes = throttle_classes = ()
    get = extend_schema(exclude=True)(from_memory(SpectacularSwaggerView.get, "docs"))
