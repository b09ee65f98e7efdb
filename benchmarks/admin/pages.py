"""List every page of the admin with its address."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from django.apps import apps
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.admin.views.main import ChangeList
from django.contrib.auth.models import User
from django.db import connection
from django.db.models import Model
from django.test import RequestFactory
from django.urls import reverse

from benchmarks.serving.fixture import ACTIVE_VERSION, NEXT_VERSION
from catalog.models import Credit, Genre, Movie, MovieTag, Person, Rule, Tag, Viewer
from recommender.models import Impression, Job, ModelVersion

# Search terms that many, few and no rows have.
SEARCHES = {
    Movie: ("love", "the of", "tom hanks", "xqzzy"),
    Person: ("john", "xqzzy"),
    Tag: ("tag 1", "xqzzy"),
    Genre: ("dra",),
    Viewer: ("100", "watcher a", "xqzzy"),
    Rule: ("rule",),
    ModelVersion: ("v1", "xqzzy"),
    Impression: ("100", "1", "xqzzy"),
    User: ("staff", "xqzzy"),
}
FILTERS = {
    Movie: ("published__exact=0", "year_from=1990&year_to=1999", "genres__id__exact=1", "is_demo__exact=0"),
    Viewer: ("is_simulated__exact=0", "is_simulated__exact=1"),
    Rule: ("enabled__exact=1", "action__exact=boost", "by__exact=genre"),
    ModelVersion: ("status__exact=retired",),
    Job: ("kind__exact=batch", "status__exact=failed"),
    Impression: ("kind__exact=2",),
    User: ("is_staff__exact=1",),
}
AUTOCOMPLETE_FIELDS = (
    ("credit", "person"),
    ("movie", "genres"),
    ("rule", "movie"),
    ("rule", "tag"),
)  # model and its field


def admin_pages() -> dict[str, str]:
    """Return the path of every page that a superuser has with the data of this database, by name."""
    paths = {"first page": reverse("admin:index"), "app": reverse("admin:app_list", args=["catalog"])}
    for model in apps.get_models():
        if admin.site.is_registered(model):
            name = str(model._meta.verbose_name)
            paths |= {f"{name}: {which}": path for which, path in (*_lists(model), *_forms(model))}
    return paths | dict(_other_pages())


def _address(model: type[Model], page: str, *ids: object) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=ids)


def _lists(model: type[Model]) -> Iterator[tuple[str, str]]:
    """Yield the list, its second and last page, and the list under each sorting, search and filter."""
    path, changelist = _address(model, "changelist"), _changelist(model)
    yield "list", path
    for page in sorted({2, changelist.paginator.num_pages}) if changelist.paginator.num_pages > 1 else ():
        yield f"page {page}", f"{path}?p={page}"
    for number, column in enumerate(changelist.list_display):
        if column in (changelist.sortable_by or ()) and changelist.get_ordering_field(column):
            yield f"by {column}", f"{path}?o=-{number}"
    for text in SEARCHES.get(model, ()):
        yield f"search {text}", f"{path}?{urlencode({'q': text})}"
    for query in FILTERS.get(model, ()):
        yield f"with {query}", f"{path}?{query}"


def _changelist(model: type[Model]) -> ChangeList:
    request = RequestFactory().get("/")
    request.user = User.objects.filter(is_superuser=True)[0]
    return admin.site.get_model_admin(model).get_changelist_instance(request)


def _forms(model: type[Model]) -> Iterator[tuple[str, str]]:
    """Yield the page, history and deletion of some records, and the page for a new one."""
    for which, record in _records(model):
        yield which, _address(model, "change", record)
        yield f"{which}, history", _address(model, "history", record)
        yield f"{which}, delete", _address(model, "delete", record)
    yield "new", _address(model, "add")


def _records(model: type[Model]) -> list[tuple[str, Any]]:
    """Return the records with the most related rows, and one of each kind that differs, by name."""
    selectors: dict[type[Model], Any] = {Movie: _films, Viewer: _viewers, Job: _jobs, User: _staff}
    if model in selectors:
        return list(selectors[model]())
    statements: dict[type[Model], str] = {Person: _busiest(Credit, "person_id"), Tag: _busiest(MovieTag, "tag_id")}
    statements[Genre] = _busiest(Movie.genres.through, "genre_id")
    record = (
        _scalar(statements[model])
        if model in statements
        else model._default_manager.values_list("pk", flat=True).first()
    )
    return [("page", record)] if record is not None else []


def _films() -> Iterator[tuple[str, Any]]:
    by_count = "SELECT movie_id FROM catalog_watchevent GROUP BY movie_id ORDER BY count(*)"
    yield "page of the most watched", _scalar(f"{by_count} DESC LIMIT 1")
    yield "page of a film hardly watched", _scalar("SELECT max(id) FROM catalog_movie")


def _viewers() -> Iterator[tuple[str, Any]]:
    by_count = "SELECT viewer_id FROM catalog_watchevent GROUP BY viewer_id ORDER BY count(*)"
    yield "page of the longest history", _scalar(f"{by_count} DESC LIMIT 1")
    yield "page of a short history", _scalar(f"{by_count} LIMIT 1")


def _jobs() -> Iterator[tuple[str, Any]]:
    for kind in Job.Kind:
        yield f"page of a {kind}", Job.objects.filter(kind=kind).values_list("pk", flat=True).first()


def _staff() -> Iterator[tuple[str, Any]]:
    yield "page", User.objects.order_by("-pk").values_list("pk", flat=True).first()
    yield "page with edits", LogEntry.objects.values_list("user_id", flat=True).first()


def _busiest(link: type[Model], column: str) -> str:
    """Return the SQL of the id with the most rows in the table of `link`."""
    table = connection.ops.quote_name(link._meta.db_table)
    return f"SELECT {column} FROM {table} GROUP BY {column} ORDER BY count(*) DESC LIMIT 1"  # noqa: S608


def _scalar(statement: str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        row = cursor.fetchone()
    return row[0] if row else None


def _other_pages() -> Iterator[tuple[str, str]]:
    compare = reverse("admin:recommender_modelversion_compare")
    yield "compare two versions", f"{compare}?{urlencode({'a': ACTIVE_VERSION, 'b': NEXT_VERSION})}"
    yield (
        "compare two versions with lists",
        f"{compare}?{urlencode({'a': ACTIVE_VERSION, 'b': NEXT_VERSION, 'lists': 'on'})}",
    )
    viewer = _scalar("SELECT min(viewer_id) FROM catalog_watchevent")
    preview = reverse("admin:catalog_rule_preview", args=[Rule.objects.values_list("pk", flat=True).first()])
    movie = _scalar("SELECT min(id) FROM catalog_movie")
    for shelf in ("recommend", "popular", "home", "similar"):
        yield f"rule tried on {shelf}", f"{preview}?{urlencode({'viewer': viewer, 'shelf': shelf, 'film': movie})}"
    for model, field in AUTOCOMPLETE_FIELDS:
        parameters = {"app_label": "catalog", "model_name": model, "field_name": field, "term": "a"}
        yield f"choices of a {model}'s {field}", f"{reverse('admin:autocomplete')}?{urlencode(parameters)}"
    yield "password", reverse("admin:password_change")
