"""Movies as other sites name them: by external id, by title and year in any spelling, or not at all."""

import csv
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from catalog.models import Credit, Movie, MovieTranslation, Person
from catalog.selectors import Match, MovieReference, match_movies
from tests.support.cast import AMELIE, EMPIRE, GODFATHER, MATRIX, NEMO, STAR_WARS, USUAL_SUSPECTS

DATA = Path(__file__).parent / "data"
MATRIX_LABEL = "The Matrix (1999)"


@pytest.mark.usefixtures("cast")
@pytest.mark.parametrize(
    ("reference", "match"),
    [
        (MovieReference("The Matrix", 1999), Match(MATRIX, "title")),
        (MovieReference("matrix", 1999), Match(MATRIX, "title")),
        (MovieReference("Usual Suspects", 1995), Match(USUAL_SUSPECTS, "title")),
        (MovieReference("Amelie", 2001), Match(AMELIE, "title")),
        (MovieReference("Le Fabuleux destin d'Amélie Poulain", 2001), Match(AMELIE, "title")),
        (MovieReference("The Matrix", 2000), Match(MATRIX, "title")),  # sites differ by a year
        (MovieReference("Matrix", 2000), Match(None, "year", (MATRIX_LABEL,))),  # but then the title is equal
        (MovieReference("The Matrix", 2001), Match(None, "year", (MATRIX_LABEL,))),
        (MovieReference("The Matrix", None), Match(MATRIX, "title")),
        (MovieReference("Matrix, The (1999)", None), Match(MATRIX, "title")),
        (MovieReference("The Empire Strikes Back", 1980), Match(EMPIRE, "title")),
        (MovieReference("Star Wars", 1977), Match(STAR_WARS, "title")),
        (MovieReference("No such movie", 1999), Match(None, "unknown")),
        (MovieReference("", None), Match(None, "unknown")),
    ],
)
def test_a_title_matches_with_its_year_or_one_beside_it(reference: MovieReference, match: Match) -> None:
    assert match_movies([reference]) == [match]


@pytest.mark.usefixtures("cast")
def test_an_external_id_comes_before_the_title() -> None:
    Movie.objects.filter(pk=NEMO).update(imdb_id="tt0266543", tmdb_id=12)
    by_imdb = MovieReference("The Matrix", 1999, imdb_id="tt0266543")
    by_tmdb = MovieReference("", None, tmdb_id=12)
    unknown_id = MovieReference("The Matrix", 1999, imdb_id="tt9999999", tmdb_id=999)
    no_id = MovieReference("The Godfather", 1972, imdb_id="x")
    assert match_movies([by_imdb, by_tmdb, unknown_id, no_id]) == [
        Match(NEMO, "id"), Match(NEMO, "id"), Match(MATRIX, "title"), Match(GODFATHER, "title"),
    ]  # fmt: skip


@pytest.mark.usefixtures("cast")
def test_no_title_counts_against_an_id_of_the_same_site() -> None:
    Movie.objects.filter(pk=MATRIX).update(imdb_id="tt0133093", tmdb_id=603)
    Movie.objects.filter(pk=NEMO).update(imdb_id="tt0266543")
    other = Match(None, "other_id", (MATRIX_LABEL,))
    assert match_movies([MovieReference("The Matrix", 1999, imdb_id="tt0106062")]) == [other]
    assert match_movies([MovieReference("The Matrix", 1999, tmdb_id=604)]) == [other]
    of_two = MovieReference("The Matrix", 1999, imdb_id="tt0266543", tmdb_id=603)
    assert match_movies([of_two, of_two._replace(title="Something else")]) == [
        Match(MATRIX, "id"), Match(None, "ids", ("Finding Nemo (2003)", MATRIX_LABEL)),
    ]  # fmt: skip


@pytest.mark.usefixtures("cast")
def test_of_movies_with_one_title_the_year_decides_else_the_director() -> None:
    remake = Movie.objects.create(title="Matrix", year=2000)
    assert match_movies([MovieReference("Matrix", 2000)]) == [Match(remake.pk, "title")]
    assert match_movies([MovieReference("Matrix", None)]) == [Match(None, "several", (MATRIX_LABEL, "Matrix (2000)"))]
    later = Movie.objects.create(title="Matrix", year=2002)
    between = MovieReference("Matrix", 2001)
    assert match_movies([between]) == [Match(None, "several", ("Matrix (2000)", "Matrix (2002)"))]
    for movie, name in ((remake, "Ada Lovelace"), (later, "Zoë Ågren")):
        Credit.objects.create(movie=movie, person=Person.objects.create(name=name), role=Credit.Role.DIRECTOR)
    assert match_movies([between._replace(directors=("Zoe Agren", "Another"))]) == [Match(later.pk, "title")]
    assert match_movies([between._replace(directors=("Another",))])[0].movie_id is None


@pytest.mark.usefixtures("cast")
def test_a_title_that_several_films_have_needs_its_own_year_or_the_director() -> None:
    """A film that was made again and again: a year beside may be that of the one that the catalogue lacks."""
    made = {year: Movie.objects.create(title="Small Ladies", year=year).pk for year in (1949, 1994, 2018)}
    missing = MovieReference("Small Ladies", 2019)
    labels = tuple(f"Small Ladies ({year})" for year in made)
    assert match_movies([missing]) == [Match(None, "year", labels)]
    assert match_movies([missing._replace(title="Little Ones", other_title="Small Ladies")])[0].movie_id is None
    assert match_movies([missing._replace(year=year) for year in made]) == [Match(pk, "title") for pk in made.values()]
    director = Person.objects.create(name="Ada Lovelace")
    Credit.objects.create(movie_id=made[2018], person=director, role=Credit.Role.DIRECTOR)
    directed = missing._replace(directors=("Ada Lovelace",))
    assert match_movies([directed]) == [Match(made[2018], "title")], "the director says which one it is"
    assert match_movies([directed, missing._replace(year=2018)]) == [Match(made[2018], "title")] * 2
    assert match_movies([missing._replace(directors=("Somebody Else",))])[0].movie_id is None
    Movie.objects.filter(pk__in=[made[1949], made[1994]]).update(title="Small Ladies: The Beginning")
    assert match_movies([missing]) == [Match(made[2018], "title")], "no other film has the title itself"


@pytest.mark.usefixtures("cast")
def test_a_film_has_one_year_in_one_file() -> None:
    """A remake of the year after, which the catalogue lacks: in a file with both films it is none of them."""
    earlier = Movie.objects.create(title="Small Ladies", year=2018).pk
    by_year = {year: MovieReference("Small Ladies", year) for year in (2017, 2018, 2019)}
    missed = Match(None, "year", ("Small Ladies (2018)",))
    assert match_movies([by_year[2019]]) == [Match(earlier, "title")], "mostly it is the film, of a festival or abroad"
    assert match_movies([by_year[2019]] * 2) == [Match(earlier, "title")] * 2
    assert match_movies([by_year[2019], by_year[2018]]) == [missed, Match(earlier, "title")]
    assert match_movies([by_year[2019], by_year[2017]]) == [missed, missed]
    far = [MovieReference("Small Ladies", 2018), *[MovieReference("No such movie", 1999)] * 600, by_year[2017]]
    assert match_movies(far)[-1] == missed, "however far apart they stand"
    later = Movie.objects.create(title="Small Ladies", year=2019, imdb_id="tt3281549").pk
    assert match_movies([by_year[2018], by_year[2019]]) == [Match(earlier, "title"), Match(later, "title")]
    directed = MovieReference("Small Ladies", 2020, imdb_id="tt9999999")
    assert match_movies([directed])[0].movie_id is None, "an id at the same site says more than a year"


@pytest.mark.usefixtures("cast")
def test_titles_in_other_languages_count() -> None:
    MovieTranslation.objects.create(movie_id=NEMO, language="de", title="Findet Nemo")
    MovieTranslation.objects.create(movie_id=NEMO, language="ru", title="\u0412 поисках Немо")
    references = [MovieReference("Findet Nemo", 2003), MovieReference("в поисках немо", 2003)]
    assert match_movies(references) == [Match(NEMO, "title")] * 2
    original = MovieReference("Ein Fisch", 2003, other_title="Finding Nemo")
    assert match_movies([original]) == [Match(NEMO, "title")]


@pytest.fixture
def films(db) -> None:
    """Store the films that the variants are of, and those that could be taken for them."""
    with (DATA / "title_catalogue.csv").open(newline="") as file:
        Movie.objects.bulk_create(
            Movie(title=row["title"], original_title=row["original_title"], year=row["year"] or None)
            for row in csv.DictReader(file)
        )
    # As MovieLens has them: by the titles of before they were shown.
    Movie.objects.filter(title="Avengers: Infinity War - Part II").update(imdb_id="tt4154796")
    Movie.objects.filter(title="Untitled Spider-Man Reboot").update(imdb_id="tt2250912")


@pytest.mark.usefixtures("films")
def test_no_spelling_of_a_title_is_taken_for_another_film() -> None:
    with (DATA / "title_variants.csv").open(newline="") as file:
        variants = list(csv.DictReader(file))
    references = [MovieReference(row["title"], int(row["year"]) if row["year"] else None) for row in variants]
    labels = dict(Movie.objects.values_list("pk", "title"))
    years = dict(Movie.objects.values_list("pk", "year"))
    matched = [match.movie_id for match in match_movies(references)]
    found, kinds, all_kinds = 0, Counter[str](), Counter[str]()
    for row, movie in zip(variants, matched, strict=True):
        is_found = movie is not None and (labels[movie], str(years[movie] or "")) == (row["film"], row["film_year"])
        assert is_found or movie is None, (row, labels[movie], years[movie])
        found += is_found
        all_kinds[row["kind"]] += bool(row["film"])
        kinds[row["kind"]] += is_found
    assert len(variants) > 500
    assert found >= 0.98 * sum(all_kinds.values())
    wanted = [kind for kind, count in all_kinds.items() if count]
    assert len(wanted) >= 45
    assert all(kinds[kind] > 0 for kind in wanted)


@pytest.mark.usefixtures("films")
def test_a_thousand_references_are_few_queries(django_assert_max_num_queries: Callable) -> None:
    with django_assert_max_num_queries(24):  # for two blocks
        match_movies([MovieReference(title, 2002) for title in ("Spiderman", "Borat", "No film") for _ in range(333)])
