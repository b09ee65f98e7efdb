"""Which spellings are one name, and which genres a catalogue finds by the names of other sites."""

import random
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from catalog.names.genres import GenreNames
from catalog.names.matching import MAX_SUGGESTIONS, NearNames, name_key

MOVIELENS = ["Action", "Children's", "Comedy", "Film-Noir", "Musical", "Sci-Fi", "Thriller"]
TMDB = ["Family", "Music", "Science Fiction", "TV Movie"]
MARKS = " .-_',\u2019\u00b7"


@given(st.text(min_size=1, max_size=40), st.integers(0, 2**32), st.sampled_from(["NFC", "NFD", "NFKC", "NFKD"]))
@example("J. J. Abrams", 1, "NFD")
@example("Édouard Molinaro", 2, "NFD")
def test_marks_case_and_form_make_no_other_name(name, seed, form):
    key = name_key(name)
    if not any(character.isalnum() for character in name):
        return  # nothing but marks: its own key
    draw = random.Random(seed)
    parted = "".join(letter + draw.choice(["", "", draw.choice(MARKS)]) for letter in name)
    assert name_key(parted) == key
    assert name_key(unicodedata.normalize(form, name)) == key
    assert name_key(f"  {name}\t") == key
    assert name_key(key) == key


@given(st.text("abcdefghijklmnopqrstuvwxyz é", min_size=1, max_size=30))
def test_case_makes_no_other_name(name):
    assert name_key(name.upper()) == name_key(name.title()) == name_key(name)


def test_letters_make_another_name():
    names = ["Ann", "Anna", "Jo 1", "Jo 2", "宮崎駿", "宮崎吾朗", "कमल", "कमाल", "!!", "!!!"]
    assert len({name_key(name) for name in names}) == len(names)
    assert name_key("Søren Malling") == name_key("SOREN MALLING")


@given(st.text("abcdefghijklmnopqrstuvwxyz", min_size=6, max_size=20), st.data())
def test_a_name_with_one_typing_error_is_suggested(name, data):
    place = data.draw(st.integers(0, len(name) - 2))
    swapped = name[:place] + name[place + 1] + name[place] + name[place + 2 :]
    others = ["somebody else", "nobody at all"]
    for typed in (swapped, name[:place] + name[place + 1 :], name[:place] + "é" + name[place:]):
        assert name in NearNames([*others, name]).find(typed)


def test_suggestions_are_few_and_near():
    names = [f"Person {number}" for number in range(100)]
    assert len(NearNames(names).find("Persn 7")) == MAX_SUGGESTIONS
    assert NearNames(names).find("Persn 7")[0] == "Person 7"
    assert NearNames(names).find("Quentin") == NearNames(names).find("") == NearNames(names).find("x" * 5_000) == []
    assert NearNames(["Steven Spielberg", "Tom Hanks"]).find("Spielberg") == ["Steven Spielberg"]


@pytest.mark.parametrize(
    ("genres", "asked", "found"),
    [
        (MOVIELENS, "SciFi", ["Sci-Fi"]),
        (MOVIELENS, "Science Fiction", ["Sci-Fi"]),
        (MOVIELENS, "sci fi", ["Sci-Fi"]),
        (MOVIELENS, "film noir", ["Film-Noir"]),
        (MOVIELENS, "Kids", ["Children's"]),
        (MOVIELENS, "Family", ["Children's"]),
        (MOVIELENS, "Kids/Family", ["Children's"]),
        (MOVIELENS, "Action & Comedy", ["Action", "Comedy"]),
        (MOVIELENS, "Music", ["Musical"]),
        (MOVIELENS, "komödie", ["Comedy"]),
        (MOVIELENS, "Western", []),
        (TMDB, "Sci-Fi", ["Science Fiction"]),
        (TMDB, "Children", ["Family"]),
        (TMDB, "Musical", ["Music"]),
        (["Family", "Kids"], "Kids", ["Kids"]),
        (["Music", "Musical"], "Music", ["Music"]),
    ],
)
def test_a_genre_is_found_by_the_name_that_other_sites_have(genres, asked, found):
    names = GenreNames(genres)
    assert [genres[number] for number in names.find(asked)] == found


def test_what_the_catalogue_says_comes_before_the_built_in_names():
    names = GenreNames(
        ["Comedy", "Slapstick"], [("Kids", 1), ("comedy", 1)], [("de", "Komödie", 1), ("de", "Lustiges", 0)]
    )
    assert (names.find("Comedy"), names.find("Kids"), names.find("Komödie"), names.find("lustiges")) == (
        [0],
        [1],
        [1],
        [0],
    )
    assert names.in_language(["de"]) == ["Lustiges", "Komödie"]
    assert names.in_language(["fr"]) == ["Comédie", "Slapstick"]
    assert names.in_language([]) == ["Comedy", "Slapstick"]
    assert names.near("Comdy") == ["Comedy"]
