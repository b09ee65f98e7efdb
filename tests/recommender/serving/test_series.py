"""Series from titles: real ones of MovieLens as it writes them, and strangers that only look alike."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.models import Credit, Genre, Movie, Person
from catalog.selectors import catalogue_table
from catalog.services import save_record
from recommender.movies.series import series_of
from recommender.movies.snapshot import CatalogueSnapshot
from recommender.movies.title_parser import TitleName, parse_title

# Genre letters: a action, c comedy, d drama, f fantasy, h horror, s science fiction, t thriller.
SERIES = (
    {"Toy Story (1995)": "cf", "Toy Story 2 (1999)": "cf"},
    {"Alien (1979)": "ahst", "Alien³ (1992)": "ahst", "Alien: Resurrection (1997)": "ahs"},
    {"Godfather, The (1972)": "ad", "Godfather: Part II, The (1974)": "ad", "The Godfather: Part III (1990)": "ad"},
    {
        "Star Wars: Episode IV - A New Hope (1977)": "asf",
        "Star Wars: Episode V - The Empire Strikes Back (1980)": "asf",
        "Star Wars: Episode I - The Phantom Menace (1999)": "as",
    },
    {"Rocky (1976)": "ad", "Rocky III (1982)": "ad", "Rocky IV (1985)": "ad"},
    {"Indiana Jones and the Last Crusade (1989)": "af", "Indiana Jones and the Temple of Doom (1984)": "af"},
    {"Star Trek: The Motion Picture (1979)": "s", "Star Trek III: The Search for Spock (1984)": "as",
     "Star Trek: First Contact (1996)": "ast", "Star Trek: Insurrection (1998)": "as"},
    {"Mission: Impossible (1996)": "at", "Mission: Impossible 2 (2000)": "at"},
    {"Friday the 13th (1980)": "h", "Friday the 13th Part 2 (1981)": "h",
     "Friday the 13th Part VIII: Jason Takes Manhattan (1989)": "h",
     "Friday the 13th Part VI: Jason Lives (1986)": "h"},
    {"Karate Kid, The (1984)": "d", "Karate Kid, Part II, The (1986)": "d", "Karate Kid III, The (1989)": "d"},
    {"Naked Gun: From the Files of Police Squad!, The (1988)": "c",
     "Naked Gun 2 1/2: The Smell of Fear, The (1991)": "c"},
    {"Jaws (1975)": "ah", "Jaws 2 (1978)": "ah", "Jaws 3-D (1983)": "ah"},
    {"Visiteurs, Les (1993)": "cf", "Les Visiteurs 2 (1998)": "cf"},
    {"Amélie du Nord (2001)": "c", "Amelie du Nord II (2003)": "c"},
    {"Fright Night (1985)": "ch", "Fright Night Part II (1989)": "ch"},
)  # fmt: skip
STRANGERS = {
    "2001: A Space Odyssey (1968)": "s", "2010 (1984)": "s", "Se7en (Seven) (1995)": "t", "Seven (1979)": "t",
    "Heat (1995)": "at", "Heat (1986)": "at", "Net, The (1995)": "t", "Nets (1995)": "t", "Super (2010)": "acd",
    "Super 8 (2011)": "st", "Apollo (1994)": "d", "Apollo 13 (1995)": "d", "Henry V (1989)": "d",
    "Henry IV (1984)": "d",
    "Henry VIII (1979)": "d", "Malcolm X (1992)": "d", "Malcolm (1986)": "c", "Crash (1996)": "d", "Crash (2004)": "d",
    "Escape (1940)": "d", "Escape (2012)": "d", "Escape: Human Cargo (1998)": "d", "Beauty (1998)": "d",
    "American Beauty (1999)": "d", "American Pie (1999)": "c", "8½ (1963)": "d", "8 (1998)": "d", "Speed (1994)": "a",
    "Speed 2: Cruise Control (2020)": "c", "12 Angry Men (1957)": "d", "Twelve Monkeys (1995)": "s",
    "...": "", "2": "d",
}  # fmt: skip
WORD = st.text("bcdfgmnprstuw", min_size=4, max_size=8)
LETTERS = "acdfhst"


@pytest.fixture
def catalogue(db: None) -> CatalogueSnapshot:
    Genre.objects.bulk_create(Genre(name=letter) for letter in LETTERS)
    genre = {one.name: one for one in Genre.objects.all()}
    films = {title: letters for one in (*SERIES, STRANGERS) for title, letters in one.items()}
    rows = Movie.objects.bulk_create(
        Movie(title=title, year=int(title[-5:-1]) if title.endswith(")") else None) for title in films
    )
    Movie.genres.through.objects.bulk_create(
        Movie.genres.through(movie=row, genre=genre[letter]) for row in rows for letter in films[row.title]
    )
    return CatalogueSnapshot(catalogue_table())


def groups(catalogue: CatalogueSnapshot) -> set[frozenset[str]]:
    numbers, titles = series_of(catalogue), np.array(catalogue.table.titles)
    return {frozenset(titles[numbers == one]) for one in np.unique(numbers[numbers >= 0])}


def test_real_series_come_together_and_strangers_stay_alone(catalogue: CatalogueSnapshot) -> None:
    assert groups(catalogue) == {frozenset(one) for one in SERIES}
    assert series_of(catalogue) is series_of(catalogue)


def test_people_tell_a_series_whose_titles_share_one_word(catalogue: CatalogueSnapshot) -> None:
    def film(title: str, year: int, *people: str) -> None:
        made = Movie.objects.create(title=title, year=year)
        made.genres.set(Genre.objects.filter(name__in="at"))
        for order, name in enumerate(people):
            person, _ = Person.objects.get_or_create(name=name)
            Credit.objects.create(movie=made, person=person, role=Credit.Role.ACTOR, order=order)

    film("Batman Returns", 1992, "Michael Keaton", "Pat Hingle", "Michael Gough")
    film("Batman Forever", 1995, "Val Kilmer", "Pat Hingle", "Michael Gough")
    film("Aliens", 1986, "Sigourney Weaver", "Bill Paxton", "Lance Henriksen")
    film("Freddy vs. Batman", 2003, "Pat Hingle", "Michael Gough", "Val Kilmer")
    film("The Batman Murders", 2001, "Somebody Else", "Another One", "A Third")
    found = groups(CatalogueSnapshot(catalogue_table()))
    assert found - {frozenset(one) for one in SERIES} == {frozenset({"Batman Returns", "Batman Forever"})}


def test_an_edited_title_joins_or_leaves_at_once(catalogue: CatalogueSnapshot) -> None:
    sequel = Movie.objects.get(title="Toy Story 2 (1999)")
    assert frozenset(SERIES[0]) in groups(catalogue)
    sequel.title = "Bug's Life, A (1998)"
    save_record(sequel)
    assert frozenset(SERIES[0]) not in groups(CatalogueSnapshot(catalogue_table()))


@given(
    st.lists(WORD, min_size=1, max_size=3), st.sampled_from([(2, "II", "Two"), (3, "III", "Three"), (4, "IV", "Four")])
)
def test_a_part_is_written_in_many_ways(stem: list[str], number: tuple[int, str, str]) -> None:
    part, roman, word = number
    title = " ".join(stem).title()
    for written in (
        f"{title} {part}", f"The {title} {roman}", f"{title} {word}, The (1990)", f"{title}: Part {roman}, The",
        f"{title} Part {word} (a.k.a. Something)", f"{title.upper()}, Part {part}", f"{title}: Vol. {part}",
        f"{title} {roman}: The Subtitle", f"{title} - Episode {roman} - The Subtitle",
    ):  # fmt: skip
        assert (" ".join(stem), part) in [name[:2] for name in parse_title(written)], written


@given(st.text(max_size=60))
def test_any_title_has_names_or_none(title: str) -> None:
    found = parse_title(title)
    assert all(name.stem and 0 <= name.part <= 20 for name in found)
    assert [name.is_whole_title for name in found] == [False] * (len(found) - 1) + [True] * bool(found)


def test_names_from_the_shortest() -> None:
    assert parse_title("Star Wars: Episode V - The Empire Strikes Back") == [
        TitleName("star wars", 0, is_whole_title=False),
        TitleName("star wars", 5, is_whole_title=False),
        TitleName("star wars episode v the empire strikes back", 0, is_whole_title=True),
    ]
    assert parse_title("Se7en (1995)") == [TitleName("se7en", 0, is_whole_title=True)]
