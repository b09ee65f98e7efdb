"""GET /: what this is, as a page for people and as JSON for programs. It needs no database."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

LINKS = {
    "/docs": "every call, with its fields and errors; it can be tried there",
    "/schema": "the same as an OpenAPI document",
    "/admin/": "for staff: films, viewers, rules, models, jobs",
    "/health/ready": "whether a recommendation can be served now",
}


@require_safe
def front_page(request: HttpRequest) -> HttpResponse:
    """Return where to go from here, as HTML to a browser and as JSON to a program."""
    if request.get_preferred_type(["application/json", "text/html"]) == "text/html":
        response = render(request, "movierec/front_page.html", {"links": LINKS.items()})
    else:
        response = JsonResponse({"name": "movierec", "what": "film recommendations over HTTP", "places": LINKS})
    response.headers["Vary"] = "Accept"
    return response
