"""Movies as other sites name them: by external id, by title and year, or not at all."""

from collections.abc import Callable

import pytest

from catalog.models import Movie
from catalog.selectors import Match, MovieReference, match_movies
from tests.support.cast import AMELIE, GODFATHER, MATRIX, NEMO, USUAL_SUSPECTS

pytestmark = pytest.mark.usefixtures("cast")


@pytest.mark.parametrize(
    ("reference", "match"),
    [
        (MovieReference("The Matrix", 1999), Match(MATRIX, "title")),
        (MovieReference("matrix", 1999), Match(MATRIX, "title")),
        (MovieReference("Usual Suspects", 1995), Match(USUAL_SUSPECTS, "title")),
        (MovieReference("Amelie", 2001), Match(AMELIE, "title")),
        (MovieReference("Le Fabuleux destin d'Amélie Poulain", 2001), Match(AMELIE, "title")),
        (MovieReference("The Matrix", 2000), Match(MATRIX, "title")),  # sites differ by a year
        (MovieReference("The Matrix", 2001), Match(None, "unknown")),
        (MovieReference("The Matrix", None), Match(MATRIX, "title")),
        (MovieReference("No such movie", 1999), Match(None, "unknown")),
        (MovieReference("", None), Match(None, "unknown")),
    ],
)
def test_a_title_matches_with_its_year_or_one_beside_it(reference: MovieReference, match: Match) -> None:
    assert match_movies([reference]) == [match]


def test_an_external_id_comes_before_the_title() -> None:
    Movie.objects.filter(pk=NEMO).update(imdb_id="tt0266543", tmdb_id=12)
    by_imdb = MovieReference("The Matrix", 1999, imdb_id="tt0266543")
    by_tmdb = MovieReference("", None, tmdb_id=12)
    unknown_id = MovieReference("The Matrix", 1999, imdb_id="tt9999999", tmdb_id=999)
    no_id = MovieReference("The Godfather", 1972, imdb_id="x")
    assert match_movies([by_imdb, by_tmdb, unknown_id, no_id]) == [
        Match(NEMO, "id"), Match(NEMO, "id"), Match(MATRIX, "title"), Match(GODFATHER, "title"),
    ]  # fmt: skip


def test_of_movies_with_one_title_the_year_decides() -> None:
    remake = Movie.objects.create(title="Matrix", year=2000)
    assert match_movies([MovieReference("Matrix", 2000)]) == [Match(remake.pk, "title")]
    assert match_movies([MovieReference("Matrix", None)]) == [Match(None, "several")]
    Movie.objects.create(title="A Matrix", year=2002)
    assert match_movies([MovieReference("Matrix", 2001)]) == [Match(None, "several")]  # one of 2000, one of 2002


def test_many_references_are_four_queries(django_assert_num_queries: Callable) -> None:
    with django_assert_num_queries(4):
        match_movies([MovieReference(title, 1999) for title in ("The Matrix", "Fight Club", "Magnolia")])
