"""The catalogue's addresses, without a slash at the end as everywhere in the API."""

from django.urls import path
from django.views.decorators.cache import cache_control

from catalog.api.views import MoviesView, MovieView

# An edit is true on the next read, so no cache on the way may keep an answer.
_fresh = cache_control(private=True, no_store=True)

urlpatterns = [
    path("movies", _fresh(MoviesView.as_view())),
    path("movies/<int:movie_id>", _fresh(MovieView.as_view())),
]
