"""Summarise what is known of a viewer's taste: genres beside what everyone watches, people, decades, languages."""

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

import numpy as np

from catalog import selectors
from catalog.models import Credit
from catalog.names.languages import NO_WISH, LanguageWish
from recommender.history import to_model_events
from recommender.ml.data import RATING, WATCH
from recommender.movies.snapshot import CatalogueSnapshot
from recommender.serving import taste
from recommender.serving.candidates import charts
from recommender.serving.candidates.trending import standardised_excess
from recommender.serving.current_versions import read_versions
from recommender.serving.home.rows import TOP_POPULAR
from recommender.serving.wording.texts import Text, Words

MAX_GENRES, MAX_AVOIDED_GENRES, MAX_PEOPLE, MAX_LANGUAGES, MAX_SENTENCES = 8, 2, 6, 6, 6
MIN_EXCESS = 1.0  # standard deviations: a share that is as far from everyone's is no chance


class Direction(StrEnum):
    """How a viewer's share of a genre compares with everyone's."""

    MORE = "more"
    LESS = "less"
    SAME = "same"


class GenreShare(NamedTuple):
    """Hold a genre's share of what some viewers watched, and of what everyone watches, both 0..1."""

    name: str
    share: float
    baseline_share: float
    direction: Direction


class LanguageShare(NamedTuple):
    """Hold a language, as a BCP 47 tag, and how many of the films are in it."""

    language: str
    movie_count: int


class FavouritePerson(NamedTuple):
    """Hold a person whom a viewer likes, and in how many liked movies."""

    name: str
    role: str
    movie_count: int


class TasteProfile(NamedTuple):
    """Summarise a viewer's history."""

    movie_count: int  # watched or rated, each once
    liked_count: int
    event_count: int
    mean_rating: float | None  # stars
    genres: list[GenreShare]  # the most watched first
    people: list[FavouritePerson]
    decades: list[tuple[int, int]]  # (1990, number of movies), without gaps
    languages: list[LanguageShare]  # the most watched first
    sentences: list[str]  # the same in words of the language that was wished, what stands out most first
    genre_names: dict[str, str]  # the genres' own names to those of that language


_GENRE_SENTENCES = {
    Direction.MORE: "Watches more {genre} than others: {share}% of films, beside {everyone}% of what everyone watches.",
    Direction.LESS: "Watches less {genre} than others: {share}% of films, beside {everyone}% of what everyone watches.",
}
_PERSON_SENTENCES = {
    "director": "Likes films by {person}: {count} of them.",
    "actor": "Likes films with {person}: {count} of them.",
}
EMPTY_TASTE = TasteProfile(0, 0, 0, None, [], [], [], [], [], {})


def build_taste_profile(viewer_id: int, wish: LanguageWish = NO_WISH) -> TasteProfile | None:
    """Summarise a viewer's history with one query. None for an unknown viewer, and for one without a history.

    `wish`: the language of the sentences; without one the viewer's own.

    People are counted in films within the viewer's age limit, as rows of a home page are.
    """
    history = selectors.history(viewer_id)
    if history is None or not len(history.movie_ids):
        return None
    cache_read = read_versions(None)
    snapshot = cache_read.load_snapshot()
    rows = snapshot.table.rows_of(np.unique(history.movie_ids[np.isin(history.kinds, (WATCH, RATING))]))
    rows = rows[rows >= 0]
    all_liked = taste.liked_movies(to_model_events(history), snapshot.table)
    liked = all_liked.within_age_limit(snapshot.table, history.age_limit).rows
    names = snapshot.table.person_names
    people = [
        FavouritePerson(names[person.number], Credit.Role(person.role).label, len(person.rows))
        for person in taste.favourite_people(snapshot.table, liked, MAX_PEOPLE)
    ]
    ratings = history.ratings[~np.isnan(history.ratings)]
    genres = _genre_shares(snapshot, rows, cache_read.epoch)
    decades, languages = _movies_per_decade(snapshot.table.year[rows]), _language_shares(snapshot, rows)
    chain = snapshot.language_chain(wish, history.language)
    words = Words(snapshot, chain)
    return TasteProfile(
        movie_count=len(rows),
        liked_count=len(all_liked.rows),
        event_count=len(history.movie_ids),
        mean_rating=float(ratings.mean()) if len(ratings) else None,
        genres=genres,
        people=people,
        decades=decades,
        languages=languages,
        sentences=[words.say(text) for text in _sentences(genres, people, decades, languages, len(rows))],
        genre_names=snapshot.genre_names_in(chain),
    )


def genre_profile(histories: Sequence[selectors.History]) -> list[GenreShare]:
    """Return the genres of everything that these viewers watched, the most watched first."""
    cache_read = read_versions(None)
    snapshot = cache_read.load_snapshot()
    movie_ids = np.concatenate([np.empty(0, np.int32), *(np.unique(history.movie_ids) for history in histories)])
    rows = snapshot.table.rows_of(movie_ids)
    return _genre_shares(snapshot, rows[rows >= 0], cache_read.epoch)


def _genre_shares(snapshot: CatalogueSnapshot, rows: np.ndarray, epoch: int) -> list[GenreShare]:
    """Return the MAX_GENRES most frequent genres of catalogue rows beside those of the popularity chart, and the
    MAX_AVOIDED_GENRES that are missed most."""
    table = snapshot.table
    if not len(rows):
        return []
    shares = taste.genre_shares(table, rows, np.ones(len(rows)))
    popular = charts.rank_chart("popular", snapshot, epoch)
    baseline = taste.genre_shares(table, popular.rows[:TOP_POPULAR], popular.scores[:TOP_POPULAR])
    excess = standardised_excess(shares * len(rows), baseline * len(rows))
    order = np.argsort(-shares, kind="stable")
    least_watched = set(np.argsort(excess, kind="stable")[:MAX_AVOIDED_GENRES].tolist())
    return [
        GenreShare(table.genre_names[genre], float(shares[genre]), float(baseline[genre]), _direction(excess[genre]))
        for place, genre in enumerate(order.tolist())
        if (place < MAX_GENRES and shares[genre] > 0) or (genre in least_watched and excess[genre] <= -MIN_EXCESS)
    ]


def _direction(excess: float) -> Direction:
    if abs(excess) < MIN_EXCESS:
        return Direction.SAME
    return Direction.MORE if excess > 0 else Direction.LESS


def _language_shares(snapshot: CatalogueSnapshot, rows: np.ndarray) -> list[LanguageShare]:
    """Count the films at `rows` by their original language; unknown ones are left out."""
    counts = np.bincount(snapshot.table.language[rows], minlength=len(snapshot.table.languages))
    most_watched = np.argsort(-counts, kind="stable").tolist()
    named = [(snapshot.table.languages[language], int(counts[language])) for language in most_watched]
    return [LanguageShare(name, count) for name, count in named if name and count][:MAX_LANGUAGES]


def _movies_per_decade(years: np.ndarray) -> list[tuple[int, int]]:
    """Count movies per decade. Years of 0 are unknown."""
    decades = years[years > 0].astype(int) // 10
    if not len(decades):
        return []
    first = int(decades.min())
    return [((first + index) * 10, count) for index, count in enumerate(np.bincount(decades - first).tolist())]


def _sentences(
    genres: Sequence[GenreShare],
    people: Sequence[FavouritePerson],
    decades: Sequence[tuple[int, int]],
    languages: Sequence[LanguageShare],
    movie_count: int,
) -> list[Text]:
    """Return what stands out: genres watched more and less than by everyone, people, a decade, a language."""
    apart = sorted(
        (genre for genre in genres if genre.direction is not Direction.SAME),
        key=lambda genre: -abs(genre.share - genre.baseline_share),
    )
    sentences = [
        Text(_GENRE_SENTENCES[genre.direction], genres=[genre.name], values=_percentages(genre)) for genre in apart
    ]
    sentences += [
        Text(_PERSON_SENTENCES[person.role], people=[person.name], total=person.movie_count) for person in people[:2]
    ]
    decade, most = max(decades, key=lambda item: item[1], default=(0, 0))
    if 2 * most > movie_count:
        text, values = (
            "Watches mostly films of the {decade}s: {count} of {total}.",
            {"decade": decade, "total": movie_count},
        )
        sentences.append(Text(text, total=most, values=values))
    if languages and 2 * languages[0].movie_count > movie_count and languages[0].language.partition("-")[0] != "en":
        language = {"language": languages[0].language}
        sentences.append(Text("Watches mostly films in the language {language}.", values=language))
    return sentences[:MAX_SENTENCES]


def _percentages(genre: GenreShare) -> dict[str, str]:
    return {"share": f"{100 * genre.share:.0f}", "everyone": f"{100 * genre.baseline_share:.0f}"}
