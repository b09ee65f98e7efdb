"""GET /movies?search=... as people type, filters, pages, copies, and the lists of people and genres."""

from typing import Any
from urllib.parse import urlencode

import pytest

from catalog.models import Movie, MovieStanding, SearchWord
from catalog.services import publish_movies
from tests.support.api import ApiClient
from tests.support.cast import (
    AMELIE,
    EMPIRE,
    GODFATHER,
    GODFATHER_2,
    JEDI,
    MATRIX,
    NEMO,
    PULP_FICTION,
    RAIDERS,
    SCHINDLERS_LIST,
    SHAWSHANK,
    SPIRITED_AWAY,
    STAR_WARS,
    TOY_STORY,
    USUAL_SUSPECTS,
)

pytestmark = pytest.mark.usefixtures("cast")


def search_ids(api: ApiClient, **query: Any) -> list[int]:
    page = api.get(f"/movies?{urlencode(query, doseq=True)}")
    return [int(movie["movie_id"]) for movie in page["results"]]


@pytest.mark.parametrize(
    ("typed", "movies"),
    [
        ("the godfather", [GODFATHER, GODFATHER_2]),  # the very title first
        ("godfather, the", [GODFATHER, GODFATHER_2]),
        ("GODFATHER part ii", [GODFATHER_2]),
        ("amelie", [AMELIE]),
        ("Amélie", [AMELIE]),
        ("Ame\u0301lie", [AMELIE]),  # as a Mac writes it
        ("destin poulain", [AMELIE]),  # the original title
        ("schindlers list", [SCHINDLERS_LIST]),
        ("schindler\u2019s list", [SCHINDLERS_LIST]),
        ("matrix 1999", [MATRIX]),
        ("matrix 1998", []),
        ("1999 matrix", [MATRIX]),
        ("ford lost ark", [RAIDERS]),  # a person and the title
        ("tarantino", [PULP_FICTION]),
        ("star wars", [STAR_WARS, JEDI, EMPIRE]),  # the shorter, the closer
        ("star wa", [STAR_WARS, JEDI, EMPIRE]),  # still typing
        ("star w", [STAR_WARS, JEDI, EMPIRE]),
        ("harrison ford", [JEDI, RAIDERS, EMPIRE, STAR_WARS]),  # of a person the newest first
        ("matirx", [MATRIX]),
        ("godfahter", [GODFATHER, GODFATHER_2]),
        ("star wras", [STAR_WARS, JEDI, EMPIRE]),
        ("tarrantino", [PULP_FICTION]),
        ("spirted awya", [SPIRITED_AWAY]),
        ("qqqq zzzz", []),
        ("the", [USUAL_SUSPECTS, SHAWSHANK, GODFATHER, EMPIRE, RAIDERS, JEDI, GODFATHER_2, MATRIX]),
        ("...", []),
        ("'; DROP TABLE x; --", []),
        (r"'a' & !'b':* \ <->", []),
    ],
)
def test_a_search_finds_what_people_mean(api, typed, movies):
    assert search_ids(api, search=typed) == movies


def test_titles_that_begin_with_the_search_come_before_shorter_ones(api):
    wish = Movie.objects.create(title="Wish Upon a Star", year=1996)
    publish_movies([wish.pk], True)
    assert search_ids(api, search="star w") == [STAR_WARS, JEDI, EMPIRE, wish.pk]


@pytest.fixture
def shelf(cast: None) -> dict[str, int]:
    """Make films whose titles are near one another. Each is more popular than the one before it."""
    titles = [
        ("Star Wars: The Clone Wars", 2008), ("A Star Is Born", 1937), ("A Star Is Born", 2018), ("Stardust", 2007),
        ("Batman", 1966), ("Batman", 1989), ("The Lego Batman Movie", 2017), ("Batman Begins", 2005),
        ("Alien", 1979), ("Alien Nation", 1988), ("AVP: Alien vs. Predator", 2004), ("Aliens", 1986),
        ("M", 1931), ("Dial M for Murder", 1954), ("Monsters, Inc.", 2001), ("Up", 2009), ("Up in the Air", 2009),
        ("It", 1990), ("It Follows", 2014), ("It", 2017), ("Italian Job, The", 1969),
        ("Rocky", 1976), ("Rocky III", 1982), ("Rocky II", 1979), ("Ocean's Eleven", 2001), ("I, Robot", 2004),
        ("Spider-Man", 2002), ("Along Came a Spider", 2001),
        ("Über Leben", 2010), ("Le Samouraï", 1967), ("Blade Runner", 1982), ("Blade Runner 2049", 2017),
        ("9", 2009), ("Pi", 1998), ("X", 2022), ("Ran", 1985), ("To", 1964), ("Ém", 2021),
        ("District 9", 2009), ("Nine", 2009), ("99 Homes", 2014), ("Life of Pi", 2012), ("Pirates, The", 2012),
        ("Planet of the Apes", 1968), ("X-Men", 2000), ("Malcolm X", 1992), ("Xanadu", 1980),
        ("To Catch a Thief", 1955), ("Toy Soldiers", 1991), ("Emma", 2020), ("The Ministry", 2021), ("Inside", 2023),
        ("Ölmüt", 2003), ("Olga", 2021),
    ]  # fmt: skip
    made = Movie.objects.bulk_create(Movie(title=title, year=year) for title, year in titles)
    publish_movies([movie.pk for movie in made], True)
    MovieStanding.objects.bulk_create(
        MovieStanding(movie=movie, popularity=(place + 1) / 100) for place, movie in enumerate(made)
    )
    return {f"{movie.title} {movie.year}": movie.pk for movie in made}


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("star", ["A Star Is Born 2018", "A Star Is Born 1937", "Star Wars: The Clone Wars 2008"]),
        ("stard", ["Stardust 2007"]),
        ("batman", ["Batman 1989", "Batman 1966", "Batman Begins 2005", "The Lego Batman Movie 2017"]),
        ("batma", ["Batman Begins 2005", "Batman 1989", "Batman 1966", "The Lego Batman Movie 2017"]),
        ("batman b", ["Batman Begins 2005"]),
        ("alien", ["Alien 1979", "Alien Nation 1988", "AVP: Alien vs. Predator 2004", "Aliens 1986"]),
        ("alien 1979", ["Alien 1979"]),
        ("1979 alien", ["Alien 1979"]),
        ("alein", ["Alien 1979", "Alien Nation 1988", "AVP: Alien vs. Predator 2004"]),
        ("m", ["M 1931", "Dial M for Murder 1954"]),
        ("up", ["Up 2009", "Up in the Air 2009"]),
        ("it", ["It 2017", "It 1990", "It Follows 2014"]),
        ("it 1990", ["It 1990"]),
        ("ita", ["Italian Job, The 1969"]),
        ("rocky", ["Rocky 1976", "Rocky II 1979", "Rocky III 1982"]),
        ("rocky 2", ["Rocky II 1979"]),
        ("rocky two", ["Rocky II 1979"]),
        ("rocky ii", ["Rocky II 1979", "Rocky III 1982"]),  # may go on
        ("roky 3", ["Rocky III 1982"]),
        ("oceans 11", ["Ocean's Eleven 2001"]),
        ("i robot", ["I, Robot 2004"]),
        ("uber leben", ["Über Leben 2010"]),
        ("samourai", ["Le Samouraï 1967"]),
        ("spider", ["Spider-Man 2002", "Along Came a Spider 2001"]),
        ("spider man", ["Spider-Man 2002"]),
        ("blade runner", ["Blade Runner 1982", "Blade Runner 2049 2017"]),
        ("blade runner 2049", ["Blade Runner 2049 2017"]),
        ("runner", ["Blade Runner 2049 2017", "Blade Runner 1982"]),
        ("9", ["9 2009", "Nine 2009", "District 9 2009", "99 Homes 2014"]),
        ("nine", ["Nine 2009", "District 9 2009", "9 2009"]),
        ("pi", ["Pi 1998", "Life of Pi 2012", "Pirates, The 2012"]),
        ("p", ["Planet of the Apes 1968", "Pirates, The 2012", "Pi 1998"]),
        ("the x", ["X 2022", "X-Men 2000"]),
        ("the p", ["Planet of the Apes 1968", "Pirates, The 2012", "Pi 1998"]),
        ("x", ["X 2022", "X-Men 2000", "Malcolm X 1992", "Xanadu 1980"]),
        ("ra", ["Ran 1985"]),
        ("ém", ["Ém 2021", "Emma 2020"]),
        ("em", ["Ém 2021", "Emma 2020"]),
        ("mi", ["The Ministry 2021"]),
        ("to", ["To 1964", "To Catch a Thief 1955", "Toy Soldiers 1991"]),
        ("in", ["Inside 2023"]),
        ("ol", ["Olga 2021", "Ölmüt 2003"]),
        ("st", ["Stardust 2007", "A Star Is Born 2018"]),
        ("st ", []),  # the word is finished
    ],
)
def test_whole_words_come_before_beginnings_and_then_what_most_people_watch(api, shelf, typed, first):
    names = {pk: name for name, pk in shelf.items()}
    found = [names[pk] for pk in search_ids(api, search=typed) if pk in names]
    assert found[: len(first)] == first


def test_a_film_that_was_not_counted_yet_is_no_popular_one(api, shelf):
    movie = Movie.objects.create(title="Batman Returns", year=1992)
    publish_movies([movie.pk], True)
    for typed, after in (("batman", "Batman Begins 2005"), ("ba", "Batman 1966")):
        found = search_ids(api, search=typed)
        assert found.index(movie.pk) > found.index(shelf[after])


def test_following_next_gives_every_movie_of_a_search_once_also_of_a_corrected_one(api):
    for typed in ("star wars", "star wras", "harrison", "the", "s", "th"):
        all_ids = search_ids(api, search=typed)
        seen, address = [], f"/movies?page_size=1&search={typed.replace(' ', '+')}"
        while address:
            page = api.get(address)
            seen += [int(movie["movie_id"]) for movie in page["results"]]
            address = page["next"]
        assert seen == all_ids
        assert len(set(seen)) > 2


def test_an_edit_past_the_services_is_found_at_once(api):
    Movie.objects.filter(pk=NEMO).update(title="Zaubermühle")
    assert search_ids(api, search="zaubermuhle") == [NEMO]
    assert search_ids(api, search="zaubermuelhe") == search_ids(api, search="zuabermuhle") == [NEMO]
    assert SearchWord.objects.filter(word="zaubermuhle").exists()


def test_filters(api, site):
    assert search_ids(api, genres=["Sci-Fi", "war"]) == [STAR_WARS, SCHINDLERS_LIST, EMPIRE, JEDI, MATRIX]
    assert search_ids(api, genres="Comedy", min_year=1995, max_year=1999) == [TOY_STORY, 3114]
    assert search_ids(api, people=["harrison ford", "AUDREY TAUTOU"], max_runtime=122) == [STAR_WARS, RAIDERS, AMELIE]
    assert search_ids(api, languages=["FR", "ja"]) == [AMELIE, SPIRITED_AWAY]
    assert search_ids(api, search="star", min_year=1980) == [JEDI, EMPIRE]
    Movie.objects.filter(pk=AMELIE).update(language="fr-CA")
    assert (search_ids(api, languages="fr"), search_ids(api, languages="fr-FR")) == ([AMELIE], [])
    publish_movies([NEMO], False)
    assert search_ids(api, search="nemo") == []
    assert search_ids(site, search="nemo", published="any") == search_ids(site, published="false") == [NEMO]
    assert api.get("/movies?published=any", expect=401)["code"] == "not_authenticated"
    for query in ("min_year=x", "published=maybe", "cursor=s1-", "&".join(["genres=x"] * 51)):
        assert site.get(f"/movies?{query}", expect=400)["errors"][0]["parameter"]


def test_an_etag_is_valid_until_a_movie_changes(api):
    for path in ("/movies?search=nemo", f"/movies/{NEMO}", "/people", "/genres"):
        first = api.client.get(path)
        etag = first.headers["ETag"]
        assert first.headers["Cache-Control"] == "private, no-cache"
        assert "Authorization" in first.headers["Vary"]
        assert api.client.get(path, headers={"If-None-Match": etag}).status_code == 304
    publish_movies([NEMO], False)
    assert api.client.get("/genres", headers={"If-None-Match": etag}).status_code == 200
    assert api.client.get(f"/movies/{NEMO}").headers["Cache-Control"] == "private, no-store"


def test_people_and_genres(api):
    assert api.get("/people?search=ford")["results"] == [
        {"name": "Harrison Ford", "films": 4},
        {"name": "Francis Ford Coppola", "films": 2},
    ]
    page = api.get("/people?page_size=2")
    assert len(page["results"]) == 2
    assert api.get(page["next"])["results"][0]["name"] not in {entry["name"] for entry in page["results"]}
    assert api.get("/people?search=...")["results"] == []
    publish_movies([AMELIE], False)
    genres = {entry["name"]: entry["films"] for entry in api.get("/genres")["results"]}
    assert (genres["Sci-Fi"], genres["Romance"]) == (4, 0)


def test_a_search_is_two_queries_and_five_where_a_word_is_mistyped(api, django_assert_num_queries):
    for typed, queries in (("matrix", 2), ("matirx", 5)):
        with django_assert_num_queries(queries):
            api.get(f"/movies?search={typed}")
