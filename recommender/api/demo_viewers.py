"""The demo's viewers for the storefront: who there is to be, and a token to be one of them. Closed outside the demo."""

import secrets
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.http import Http404
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from catalog import selectors
from catalog.api.strict import operation
from catalog.keys import Key
from catalog.models import Viewer
from recommender import api_keys
from recommender.api.access.loopback import is_from_loopback
from recommender.api.access.viewer_token_auth import TokenScope, sign_viewer_token
from recommender.api.base_view import ApiView
from recommender.api.fast_serializer import FastSerializer
from recommender.api.fields import MAX_VIEWERS, UserId
from recommender.models import ApiKey
from recommender.viewers.taste_profile import Direction, build_taste_profile

KEY_NAME = "storefront of the demo"
KEY_SCOPES = (ApiKey.Scope.READ, ApiKey.Scope.EVENTS, ApiKey.Scope.USERS_READ, ApiKey.Scope.ERASE)
GUEST_PREFIX = "guest-"  # of the ids of viewers who begin in the demo
TOKEN_SECONDS = 900
VIEWERS, CANDIDATES = 12, 24
GENRES, FILMS = 3, 2  # of a viewer, as the chooser shows them
MAX_RATED = 40  # newest rated films that a face is drawn from
CACHE_SECONDS = 86_400


class DemoTokenRequestSerializer(FastSerializer):
    user_id = UserId(required=False, help_text="A viewer of the demo, or one who began in it. Left out: a new one.")
    companions = serializers.ListField(child=UserId(), default=list, max_length=MAX_VIEWERS - 1)


class DemoView(ApiView):
    """A call that is answered on the demo's own machine alone, where reads need no key either."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        is_open = settings.STOREFRONT and settings.API_OPEN and not settings.PRODUCTION and not settings.BEHIND_PROXY
        if not (is_open and is_from_loopback(request) and selectors.has_demo()):
            raise Http404("There is no demo to try here.")
        super().initial(request, *args, **kwargs)


class DemoViewersView(DemoView):
    """Serve GET /demo/viewers."""

    @operation(exclude=True)
    def get(self, request: Request) -> Response:
        """Return viewers of the demo whose tastes differ, each with favourite genres and films."""
        key = f"storefront:viewers:{selectors.data_set()}"
        viewers = cache.get(key)
        if viewers is None:
            viewers = _choose_viewers()
            cache.set(key, viewers, CACHE_SECONDS)
        return Response({"viewers": viewers})


class DemoTokensView(DemoView):
    """Serve POST /demo/viewer-tokens."""

    @operation(request=DemoTokenRequestSerializer, needs_body=False, exclude=True)
    def post(self, request: Request) -> Response:
        """Sign a token for a viewer of the demo, or for somebody new."""
        viewer = self.validated.get("user_id")
        key: Key = viewer.key if viewer else f"{GUEST_PREFIX}{secrets.token_hex(8)}"
        companions = {companion.key for companion in self.validated["companions"]} - {key}
        _check_of_demo({key, *companions})
        token, expires = sign_viewer_token(_key_prefix(), key, TOKEN_SECONDS, tuple(TokenScope), companions)
        body = {"token": token, "user_id": viewer.sent if viewer else key, "scopes": sorted(TokenScope)}
        return Response(body | {"expires_at": datetime.fromtimestamp(expires, UTC)})


def _check_of_demo(keys: set[Key]) -> None:
    """Raise PermissionDenied where one of the viewers is a site's own."""
    numbers = {key for key in keys if isinstance(key, int)}
    names = keys - numbers
    simulated = Viewer.objects.filter(pk__in=numbers, is_simulated=True).count()
    if simulated < len(numbers) or not all(str(name).startswith(GUEST_PREFIX) for name in names):
        raise PermissionDenied("The demo gives tokens for its own viewers alone.")


def _key_prefix() -> str:
    """Return the prefix of the key that signs the demo's tokens, which is made once; nobody knows the key itself.

    Raises PermissionDenied where staff have revoked it.
    """
    row = ApiKey.objects.filter(name=KEY_NAME).order_by("revoked").first()
    if row is None:
        row, _ = api_keys.create(KEY_NAME, KEY_SCOPES)
    if row.revoked:
        raise PermissionDenied(f"The API key {KEY_NAME!r} is revoked: the demo makes no tokens.")
    return str(row.prefix)


def _choose_viewers() -> list[dict[str, Any]]:
    """Return VIEWERS of the demo, whose favourite genres differ as far as they can."""
    simulated = Viewer.objects.filter(is_simulated=True, age_limit=None).order_by("id")
    faces = [face for viewer_id in simulated.values_list("id", flat=True)[:CANDIDATES] if (face := _face(viewer_id))]
    chosen: list[dict[str, Any]] = []
    while faces and len(chosen) < VIEWERS:
        taken = [genre for face in chosen for genre in face["genres"]]
        faces.sort(key=lambda face: sum(taken.count(genre) for genre in face["genres"]))
        chosen.append(faces.pop(0))
    return chosen


def _face(viewer_id: int) -> dict[str, Any] | None:
    """Return a viewer as the chooser shows them; None for one whose taste shows too little."""
    taste = build_taste_profile(viewer_id)
    if taste is None:
        return None
    by_preference = sorted(taste.genres, key=lambda genre: (genre.direction != Direction.MORE, -genre.share))
    genres = [genre.name for genre in by_preference[:GENRES]]
    page = selectors.film_list_page(viewer_id, selectors.FilmList.RATINGS, None, MAX_RATED)
    best = sorted(page.events, key=lambda event: -(event.rating or 0))[: MAX_RATED // 4]
    cards = selectors.movie_cards({event.movie_id for event in best})
    liked = sorted(
        (cards[event.movie_id] for event in best if event.movie_id in cards),
        key=lambda card: -len(set(card.genres) & set(genres)),
    )
    if len(genres) < GENRES or len(liked) < FILMS:
        return None
    return {"user_id": viewer_id, "genres": genres, "films": [card.as_json() for card in liked[:FILMS]]}
