"""GET /: what this is, as a page for people and as JSON for programs. It needs no database."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from movierec import storefront

LINKS = {
    "/docs": "every call, with its fields and errors; it can be tried there",
    "/schema": "the same as an OpenAPI document",
    "/admin/": "for staff: films, viewers, rules, models, jobs",
    "/health/ready": "whether a recommendation can be served now",
}


@require_safe
def front_page(request: HttpRequest) -> HttpResponse:
    """Return the storefront to a browser, where it is on, else where to go from here; JSON to a program."""
    if request.get_preferred_type(["application/json", "text/html"]) == "text/html":
        if settings.STOREFRONT:
            return storefront.page(request)
        response = render(request, "movierec/front_page.html", {"links": LINKS.items()})
    else:
        response = JsonResponse({"name": "movierec", "what": "film recommendations over HTTP", "places": LINKS})
    response.headers["Vary"] = "Accept"
    return response
