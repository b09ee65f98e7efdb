"""The catalogue's addresses, without a slash at the end, as everywhere in the API."""

from django.urls import path
from django.views.decorators.http import conditional_page

from catalog.api.views import CatalogueReportView, GenresView, MoviesView, MovieView, PeopleView

urlpatterns = [
    path("movies", conditional_page(MoviesView.as_view())),
    path("movies/<key:movie_id>", conditional_page(MovieView.as_view())),
    path("people", conditional_page(PeopleView.as_view())),
    path("genres", conditional_page(GenresView.as_view())),
    path("catalogue/report", CatalogueReportView.as_view()),
]
