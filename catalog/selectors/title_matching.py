"""Movies as other sites name them: by external id, or by title and year."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from django.db import connection

from catalog.external_ids import parse_imdb_id
from catalog.models import Credit
from catalog.names.matching import name_key
from catalog.selectors.movies import resolve_movie_ids
from catalog.title_keys import (
    Likeness,
    TitleKey,
    compare_titles,
    is_of_series,
    search_beginnings,
    search_texts,
    title_keys,
    without_article,
)

BLOCK_SIZE = 500  # references whose films are looked for at a time
MAX_CANDIDATES = 200  # films of a text; those with the shortest titles
MIN_WORDS_WITHOUT_YEAR = 3  # of a part of a title that stands for the whole, where no year confirms it
MIN_WORDS_OF_UNDATED = 2  # of the title of a film without a year
MAX_NAMED_FILMS = 3  # of an answer that names what a title may mean
# Films that MovieLens has by the title that they had before they were shown; title and year -> id at IMDb.
_RENAMED = {("Avengers: Endgame", 2019): "tt4154796", ("Spider-Man: Homecoming", 2017): "tt2250912"}
_RENAMED_KEYS = {(title_keys(title)[0][0].words, year): imdb_id for (title, year), imdb_id in _RENAMED.items()}
_YEAR_BESIDE = "year beside"  # as Match.by, until all references are matched: by the title, with a year beside its own
_NEAR = """SELECT r.place, m.id FROM unnest(%s::int[], %s::text[], %s::int[]) AS r (place, words, year)
    CROSS JOIN LATERAL (
      SELECT m.id FROM catalog_movie m
      WHERE m.search_words @@ {query} AND (r.year IS NULL OR m.year IS NULL OR m.year BETWEEN r.year - 1 AND r.year + 1)
      ORDER BY length(m.title) LIMIT %s) m
    UNION
    SELECT r.place, t.movie_id FROM unnest(%s::int[], %s::text[], %s::int[]) AS r (place, words, year)
    CROSS JOIN LATERAL (
      SELECT t.movie_id FROM catalog_movietranslation t JOIN catalog_movie m ON m.id = t.movie_id
      WHERE t.search_words @@ {query} AND (r.year IS NULL OR m.year IS NULL OR m.year BETWEEN r.year - 1 AND r.year + 1)
      ORDER BY length(t.title) LIMIT %s) t"""
_BY_WORDS = _NEAR.format(query="plainto_tsquery('simple', catalog_plain(r.words))")
_BY_BEGINNINGS = _NEAR.format(query="to_tsquery('simple', r.words)")


class MovieReference(NamedTuple):
    """A movie as another site describes it."""

    title: str
    year: int | None
    imdb_id: str = ""  # as IMDb writes it
    tmdb_id: int | None = None
    other_title: str = ""  # such as the original one
    directors: tuple[str, ...] = ()


class Match(NamedTuple):
    """The movie that a reference means.

    `by`: `id` or `title`. Without a movie why: `unknown`; `year` (films of this title are of other years); `several`;
    `other_id` (a film of this title has another id at the same site); `ids` (the ids are of two films). `films`: which,
    as title and year.
    """

    movie_id: int | None
    by: str
    films: tuple[str, ...] = ()


class _Film(NamedTuple):
    """A movie that a reference may mean."""

    id: int
    title: str
    year: int | None
    imdb_id: str
    tmdb_id: int | None
    keys: list[TitleKey]  # the first is the title's

    @property
    def label(self) -> str:
        return f"{self.title} ({self.year})" if self.year else self.title


class _Wanted(NamedTuple):
    """A reference whose film is looked for by its title."""

    reference: MovieReference
    keys: list[TitleKey]
    year: int | None


class _Found(NamedTuple):
    """A film whose title is like that of the reference. `rank`: the least is the best."""

    film: _Film
    rank: tuple[int, ...]
    is_subtitled: bool = False  # its title goes on behind the reference's
    is_certain: bool = True  # it may be matched; else it only keeps another film from it


def match_movies(
    references: Sequence[MovieReference], progress: Callable[[int, int], object] = lambda done, total: None
) -> list[Match]:
    """Match each reference with a movie of the catalogue. `progress` is told how many are done, of how many different
    ones.

    External ids come first. A title counts with its year. A year beside it, as sites differ in what a movie's year is,
    needs an equal title; a title without its series or subtitle needs the year itself. No title counts against an id of
    the same site, nor where two films fit alike: then nothing is matched. Nor does a year beside a film's own where the
    references, which are of one site, give that film another year too, nor where other films here have that title: then
    the year tells them apart, and one is missing here. A director that both name is as good as the year.
    """
    wanted = list(dict.fromkeys(references))  # an archive names a film in its diary, its ratings and its lists
    matches: list[Match] = []
    for start in range(0, len(wanted), BLOCK_SIZE):
        progress(start, len(wanted))
        matches += _match_block(wanted[start : start + BLOCK_SIZE])
    years: dict[int, set[int]] = defaultdict(set)  # movie -> its years as the references tell them
    for match, reference in zip(matches, wanted, strict=True):
        year = reference.year or title_keys(reference.title)[1]
        if match.movie_id is not None and year:
            years[match.movie_id].add(year)
    by_reference = {
        reference: match
        if match.by != _YEAR_BESIDE or match.movie_id is None
        else Match(match.movie_id, "title")
        if len(years[match.movie_id]) == 1
        else Match(None, "year", match.films)
        for reference, match in zip(wanted, matches, strict=True)
    }
    return [by_reference[reference] for reference in references]


def _match_block(references: Sequence[MovieReference]) -> list[Match]:
    ids = [_external_ids(reference) or _renamed(reference) for reference in references]
    movie_by_id = resolve_movie_ids({text for texts in ids for text in texts})
    found = [list(dict.fromkeys(movie_by_id[text] for text in texts if text in movie_by_id)) for texts in ids]
    wanted = {place: _wanted(reference) for place, reference in enumerate(references) if len(found[place]) != 1}
    by_title = _match_titles({place: one for place, one in wanted.items() if not found[place]})
    contradicting = {place for place in wanted if found[place]}
    films = _load_films({movie for place in contradicting for movie in found[place]}) if contradicting else {}
    return [
        _match_ids(wanted[place], [films[movie] for movie in found[place]])
        if place in contradicting
        else by_title[place]
        if place in by_title
        else Match(found[place][0], "id" if _external_ids(reference) else "title")
        for place, reference in enumerate(references)
    ]


def _external_ids(reference: MovieReference) -> list[str]:
    imdb = [f"imdb:{reference.imdb_id}"] if parse_imdb_id(reference.imdb_id) else []
    return imdb + ([f"tmdb:{reference.tmdb_id}"] if reference.tmdb_id else [])


def _renamed(reference: MovieReference) -> list[str]:
    keys, year = title_keys(reference.title)
    found = _RENAMED_KEYS.get((keys[0].words, reference.year or year or 0)) if keys else None
    return [f"imdb:{found}"] if found else []


def _wanted(reference: MovieReference) -> _Wanted:
    keys, year = title_keys(reference.title)
    if reference.other_title and reference.other_title != reference.title:
        keys += [key for key in title_keys(reference.other_title)[0] if key not in keys]
    return _Wanted(reference, keys, reference.year or year)


def _match_ids(wanted: _Wanted, films: list[_Film]) -> Match:
    """Choose the film whose title is the reference's, where its ids are of two films."""
    equal = [film for film in films if (like := _likeness(wanted.keys, film)) and like[0] < Likeness.PART]
    return Match(equal[0].id, "id") if len(equal) == 1 else Match(None, "ids", tuple(film.label for film in films))


def _match_titles(wanted: Mapping[int, _Wanted]) -> dict[int, Match]:
    """Match by title: first with films of the very title and year, which is one look for all of them, then the rest
    with films that have all words of it, then with what begins alike, then with films of other years, for the reason
    alone."""
    exact = _choose_among(wanted, _exact_candidates(wanted))
    found = {place: match for place, match in exact.items() if match.movie_id is not None}
    return found | _match_spellings({place: one for place, one in wanted.items() if place not in found})


def _match_spellings(wanted: Mapping[int, _Wanted]) -> dict[int, Match]:
    """Match by title in any spelling, as _match_titles() says."""
    matches = {place: Match(None, "unknown") for place in wanted}
    texts = [
        (place, text, one.year)
        for place, one in wanted.items()
        for name in (one.reference.title, one.reference.other_title)
        for text in search_texts(name)
    ]
    matches |= _choose_among(wanted, _candidates(_BY_WORDS, texts))
    beginnings = [
        (place, " & ".join(f"{word}:*" for word in words), wanted[place].year)
        for place, match in matches.items()
        if match.by == "unknown" and wanted[place].year
        for words in search_beginnings(wanted[place].reference.title)
    ]
    matches |= _choose_among(wanted, _candidates(_BY_BEGINNINGS, beginnings))
    beside = {place for place, match in matches.items() if match.by == _YEAR_BESIDE}
    same_titled = _candidates(_BY_WORDS, [(place, text, None) for place, text, _ in texts if place in beside])
    matches |= _doubt_years(wanted, same_titled)
    unknown = {place for place, match in matches.items() if match.by == "unknown" and wanted[place].year}
    others = _candidates(_BY_WORDS, [(place, text, None) for place, text, _ in texts if place in unknown])
    return matches | _explain_years(wanted, others)


def _exact_candidates(wanted: Mapping[int, _Wanted]) -> dict[int, list[_Film]]:
    """Map places to the films of the very title and year."""
    dated = {place: one for place, one in wanted.items() if one.year and one.reference.title}
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT r.place, m.id FROM unnest(%s::int[], %s::text[], %s::int[]) AS r (place, title, year)
                 JOIN catalog_movie m ON m.year = r.year AND lower(m.title) = lower(r.title)""",
            [list(dated), [one.reference.title for one in dated.values()], [one.year for one in dated.values()]],
        )
        return _films_by_place(cursor.fetchall())


def _candidates(query: str, texts: Sequence[tuple[int, str, int | None]]) -> dict[int, list[_Film]]:
    """Map places to the films that a query finds for their texts. `texts`: (place, words, year)."""
    if not texts:
        return {}
    columns = [list(column) for column in zip(*texts, strict=True)]
    with connection.cursor() as cursor:
        cursor.execute(query, [*columns, MAX_CANDIDATES, *columns, MAX_CANDIDATES])
        return _films_by_place(cursor.fetchall())


def _films_by_place(pairs: Sequence[tuple[int, int]]) -> dict[int, list[_Film]]:
    films = _load_films({movie for _, movie in pairs}) if pairs else {}
    found: dict[int, list[_Film]] = defaultdict(list)
    for place, movie in sorted(pairs):
        found[place].append(films[movie])
    return found


def _load_films(ids: Collection[int]) -> dict[int, _Film]:
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT m.id, m.title, m.year, m.imdb_id, m.tmdb_id, m.original_title,
                      ARRAY(SELECT t.title FROM catalog_movietranslation t WHERE t.movie_id = m.id AND t.title <> '')
               FROM catalog_movie m WHERE m.id = ANY(%s::int[])""",
            [list(ids)],
        )
        films = {}
        for movie, title, year, imdb_id, tmdb_id, original, translated in cursor.fetchall():
            names = (title, original, *translated)
            keys = list(dict.fromkeys(key for name in names if name for key in title_keys(name)[0]))
            films[movie] = _Film(movie, title, year, imdb_id, tmdb_id, keys)
    return films


def _choose_among(wanted: Mapping[int, _Wanted], candidates: Mapping[int, list[_Film]]) -> dict[int, Match]:
    alike = {
        place: [found for film in films if (found := _compare(wanted[place], film))]
        for place, films in candidates.items()
    }
    alike = _doubt_series(wanted, alike)
    directors = _directors(
        found.film.id for place, several in alike.items() if wanted[place].reference.directors for found in several
    )
    return {place: _choose(wanted[place], found, directors) for place, found in alike.items()}


def _compare(wanted: _Wanted, film: _Film) -> _Found | None:
    """Return how a film fits; None where its title or year do not."""
    like = _likeness(wanted.keys, film)
    if like is None:
        return None
    likeness, is_other_name, words = like
    is_equal = likeness < Likeness.PART
    if wanted.year is None:
        fits = is_equal or (likeness == Likeness.PART and words >= MIN_WORDS_WITHOUT_YEAR)
        return _Found(film, (0 if is_equal else 1,)) if fits else None
    if film.year is None:
        fits = likeness <= Likeness.FORM and words >= MIN_WORDS_OF_UNDATED
        return _Found(film, (2,)) if fits else None
    distance = abs(film.year - wanted.year)
    if distance == 0 and is_equal:
        return _Found(film, (0, int(likeness), int(is_other_name)))
    if distance == 0 or (distance == 1 and likeness == Likeness.SAME):
        return _Found(film, (1,), likeness == Likeness.SUBTITLE)
    return None


def _doubt_series(wanted: Mapping[int, _Wanted], alike: dict[int, list[_Found]]) -> dict[int, list[_Found]]:
    """Doubt films whose title goes on behind the reference's, where other films are of the same series: the bare title
    may mean another one. "Borat" is one film, "Justice League" is several."""
    texts = [
        (place, text, None)
        for place, several in alike.items()
        if any(found.is_subtitled for found in several)
        for text in search_texts(wanted[place].reference.title)
    ]
    of_series = {
        place: {
            film.id for film in films if any(is_of_series(key, own) for key in wanted[place].keys for own in film.keys)
        }
        for place, films in _candidates(_BY_WORDS, texts).items()
    }
    return alike | {
        place: [found._replace(is_certain=not found.is_subtitled or ids <= {found.film.id}) for found in alike[place]]
        for place, ids in of_series.items()
    }


def _likeness(keys: Sequence[TitleKey], film: _Film) -> tuple[Likeness, bool, int] | None:
    """Return how much a film is called so, whether by another name than its title, and the words of what is alike."""
    best = None
    for key in keys:
        for place, own in enumerate(film.keys):
            likeness = compare_titles(key, own)
            if likeness is not None:
                words = min(len(without_article(key.words)), len(without_article(own.words)))
                one = (likeness, place > 0, words)
                best = one if best is None or one[:2] < best[:2] else best
    return best


def _choose(wanted: _Wanted, found: Sequence[_Found], directors: Mapping[int, set[str]]) -> Match:
    """Choose the film that fits best, if it is one alone."""
    if not found:
        return Match(None, "unknown")
    reference = wanted.reference
    possible = [one for one in found if not _has_other_id(reference, one.film)]
    if not possible:
        return Match(None, "other_id", _labels(found))
    known = {name_key(name) for name in reference.directors}
    possible = [
        one
        for one in possible
        if one.rank[0] == 0 or not known or not directors.get(one.film.id) or known & directors[one.film.id]
    ]
    best = min((one.rank for one in possible), default=())
    best_ones = [one for one in possible if one.rank == best]
    if len(best_ones) > 1 and known:
        best_ones = [one for one in best_ones if known & directors.get(one.film.id, set())] or best_ones
    if len(best_ones) == 1:
        film, is_certain = best_ones[0].film, best_ones[0].is_certain
        is_confirmed = bool(known & directors.get(film.id, set()))
        by = "title" if wanted.year in (None, film.year) or not film.year or is_confirmed else _YEAR_BESIDE
        return Match(film.id, by, (film.label,) * (by == _YEAR_BESIDE)) if is_certain else Match(None, "unknown")
    return Match(None, "several", _labels(best_ones)) if best_ones else Match(None, "unknown")


def _labels(found: Iterable[_Found]) -> tuple[str, ...]:
    return tuple(one.film.label for one in found)[:MAX_NAMED_FILMS]


def _has_other_id(reference: MovieReference, film: _Film) -> bool:
    """Say whether a site knows the two as two films."""
    imdb, own = parse_imdb_id(reference.imdb_id), parse_imdb_id(film.imdb_id)
    return bool(imdb and own and imdb != own) or bool(
        reference.tmdb_id and film.tmdb_id and reference.tmdb_id != film.tmdb_id
    )


def _directors(movie_ids: Iterable[int]) -> dict[int, set[str]]:
    """Map movies to the names of their directors, as name_key() writes them."""
    found: dict[int, set[str]] = defaultdict(set)
    if ids := set(movie_ids):
        credits_ = Credit.objects.filter(movie_id__in=ids, role=Credit.Role.DIRECTOR)
        for movie_id, name in credits_.values_list("movie_id", "person__name"):
            found[movie_id].add(name_key(name))
    return found


def _doubt_years(wanted: Mapping[int, _Wanted], same_titled: Mapping[int, list[_Film]]) -> dict[int, Match]:
    """Return for references whose film has a year beside theirs that it is none of those films, where there are several
    of that title."""
    explained = _explain_years(wanted, same_titled, Likeness.FORM)
    return {place: match for place, match in explained.items() if len(match.films) > 1}


def _explain_years(
    wanted: Mapping[int, _Wanted], others: Mapping[int, list[_Film]], least: Likeness = Likeness.ARTICLE
) -> dict[int, Match]:
    """Name films of the same title, `least` so much alike, that are of other years."""
    explained = {}
    for place, films in others.items():
        equal = [
            film for film in films if (like := _likeness(wanted[place].keys, film)) and like[0] <= least and film.year
        ]
        if equal:
            explained[place] = Match(None, "year", tuple(film.label for film in equal)[:MAX_NAMED_FILMS])
    return explained
