"""TMDB's files as a source: which films are taken, in which order the files are read, what is told of the others."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from catalog.dataset import to_frame
from catalog.errors import DataFileError
from catalog.plurals import count_noun
from catalog.sources.film_source import SCHEMAS, FilmSource, Part, PersonIds, Table, to_part
from catalog.sources.tmdb.files import BrokenLine, Kind, TmdbFile, find_files, read_file
from catalog.sources.tmdb.films import (
    MAX_TITLE,
    countries_with,
    credits_of,
    film_facts,
    genre_names,
    imdb_number,
    keyword_names,
    translations_of,
)
from catalog.sources.tmdb.rows import BrokenRow, Row

MAX_CAST = 50
MAX_EXAMPLES = 10  # of rows that were left out
BATCH = 2_000  # rows of a file that are in memory together
_EXPECTED = (
    "movies_metadata.csv with credits.csv and keywords.csv, tmdb_5000_movies.csv, TMDB_movie_dataset_v11.csv, "
    "movie_ids_….json.gz or answers of the API as JSON lines"
)


@dataclass(frozen=True)
class TmdbOptions:
    """Which films are read, and how."""

    min_votes: int = 0
    min_popularity: float | None = None  # a number lets the daily files of ids add films
    cast: int = 15  # of a film, in billing order
    adult: bool = False
    video: bool = False  # what TMDB marks as a video: compilations, sport, concerts
    provider: str = ""  # of availability: a name or number; "" for none
    certificate_country: str = "US"
    title_language: str = "en"


def read_tmdb(path: Path, options: TmdbOptions | None = None) -> FilmSource:
    """Return the file, or those in the folder or zip, as a source. Raises DataFileError where none is TMDB's."""
    options = options or TmdbOptions()
    files, others = find_files(path)
    kinds = {found.kind for found in files}
    if not kinds & {Kind.ANSWERS, Kind.FILMS, Kind.IDS}:
        names = ", ".join([*(found.file.label for found in files), *others][:10]) or "nothing"
        raise DataFileError(str(path), None, f"holds no films of TMDB; it has {names}, and should have {_EXPECTED}")
    has_films = bool(kinds & {Kind.ANSWERS, Kind.FILMS})
    if has_films and options.min_popularity is None:
        others += [found.file.label for found in files if found.kind is Kind.IDS]
        files = [found for found in files if found.kind is not Kind.IDS]
    reader = _Reader(files, options)
    source = FilmSource("TMDB", reader.parts, PersonIds.TMDB, has_films or options.min_popularity is not None)
    if others:
        source.notes.append(f"Not read: {', '.join(others[:10])}.")
    if not source.may_add:
        source.notes.append(
            "A file of ids knows no more of films than their original titles: it adds none. Films are added from it "
            "with --min-popularity."
        )
    reader.notes = source.notes
    return source


@dataclass
class _Reader:
    """Reads the files one after the other; keeps only which films and people have come."""

    files: list[TmdbFile]
    options: TmdbOptions
    notes: list[str] = field(default_factory=list)
    films: set[int] = field(default_factory=set)
    people: set[int] = field(default_factory=set)
    imdb: dict[int, int] = field(default_factory=dict)  # from links.csv
    rows: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    broken: int = 0
    damaged: int = 0  # rows with a list that cannot be read
    examples: list[str] = field(default_factory=list)
    staged: dict[Table, list[dict[str, Any]]] = field(default_factory=lambda: {table: [] for table in Table})

    def parts(self) -> Iterator[Part]:
        for kind, file in self.files:
            read = 0
            for row in read_file(file):
                read += 1
                self._read(kind, row)
                if read % BATCH == 0:
                    yield from self._flush(kind, BATCH)
            self.rows += read
            yield from self._flush(kind, read % BATCH)
        self._tell()

    def _read(self, kind: Kind, row: Row | BrokenLine) -> None:
        try:
            if isinstance(row, BrokenLine):
                raise BrokenRow(row.problem)
            _TAKERS[kind](self, row)
        except BrokenRow as problem:
            self.broken += 1
            self._example(f"{row.file}, line {row.line}: {problem}")
        if isinstance(row, Row) and row.unreadable:
            self.damaged += 1
            self._example(f"{row.place}: {' and '.join(row.unreadable)} cannot be read")

    def _example(self, text: str) -> None:
        if len(self.examples) < MAX_EXAMPLES:
            self.examples.append(text)

    def _take_link(self, row: Row) -> None:
        tmdb, imdb = row.number("tmdbId"), imdb_number(Row(row.file, row.line, {"imdb_id": row.values.get("imdbId")}))
        if tmdb and imdb:
            self.imdb.setdefault(tmdb, imdb)

    def _take_film(self, row: Row) -> None:
        film = self._wanted_film(row)
        if not film:
            return
        facts = film_facts(row, self.options.title_language, self.options.certificate_country)
        self.films.add(film)
        imdb = imdb_number(row) or self.imdb.get(film)
        self.staged[Table.FILMS].append({"film": film, "tmdb": film, "imdb": imdb, **facts})
        self._stage(Table.GENRES, film, ({"name": name} for name in genre_names(row)))
        self._take_keywords(row)
        self._take_credits(row)
        translated = translations_of(row, self.options.title_language)
        self._stage(Table.TRANSLATIONS, film, (found._asdict() for found in translated))
        if self.options.provider:
            countries = countries_with(row, self.options.provider)
            self._stage(Table.AVAILABILITY, film, ({"country": code} for code in countries))

    def _take_id(self, row: Row) -> None:
        film = self._wanted_film(row)
        if not film:
            return
        title = row.text("original_title", MAX_TITLE)
        if not title:
            raise BrokenRow("has no title")
        self.films.add(film)
        self.staged[Table.FILMS].append(
            {"film": film, "tmdb": film, "imdb": self.imdb.get(film), "original_title": title}
        )

    def _wanted_film(self, row: Row) -> int:
        """Return the film's number; 0 where the film is left out. Raises BrokenRow."""
        options = self.options
        if "id" not in row.values and "status_message" in row.values:
            raise BrokenRow(f"is no film: {row.text('status_message', 80)}")
        film = row.number("id", "movie_id")
        if not film:
            raise BrokenRow("has no id")
        reason = ""
        if row.flag("adult") and not options.adult:
            reason = "for adults only"
        elif row.flag("video") and not options.video:
            reason = "videos"
        elif film in self.films:
            reason = "said twice"
        elif "vote_count" in row.values and row.real("vote_count") < options.min_votes:
            reason = "with too few votes"
        elif "popularity" in row.values and row.real("popularity") < (options.min_popularity or 0):
            reason = "too little popular"
        if reason:
            self.left_out[reason] += 1
        return 0 if reason else film

    def _take_credits(self, row: Row) -> None:
        if (film := self._known_film(row)) is None:
            return
        for credit in credits_of(row, self.options.cast):
            self._stage(Table.CREDITS, film, [credit._asdict()])
            if credit.person and credit.person not in self.people:
                self.people.add(credit.person)
                self.staged[Table.NAMES].append({"person": credit.person, "name": credit.name})

    def _take_keywords(self, row: Row) -> None:
        if (film := self._known_film(row)) is not None:
            self._stage(Table.TAGS, film, ({"name": name, "count": 1} for name in keyword_names(row)))

    def _known_film(self, row: Row) -> int | None:
        """Return the film that a row of people or keywords is about; None for a film that was left out."""
        film = row.number("id", "movie_id")
        if not film:
            raise BrokenRow("has no id")
        return film if film in self.films else None

    def _stage(self, table: Table, film: int, rows: Any) -> None:
        self.staged[table] += ({"film": film, **row} for row in rows)

    def _flush(self, kind: Kind, read: int) -> Iterator[Part]:
        """Yield what has been staged; the rows read count for the table that the file is about."""
        about = {Kind.CREDITS: Table.CREDITS, Kind.KEYWORDS: Table.TAGS}.get(kind, Table.FILMS)
        for table, rows in self.staged.items():
            if rows or table is about:
                yield to_part(table, to_frame(rows, SCHEMAS[table]), read if table is about else 0)
        self.staged = {table: [] for table in Table}

    def _tell(self) -> None:
        counts = [f"{number:,} {reason}" for reason, number in self.left_out.items()]
        counts += [f"{self.broken:,} broken"] if self.broken else []
        told = f" Left out: {', '.join(counts)}." if counts else ""
        self.notes.append(f"Read {count_noun(self.rows, 'row')} of {count_noun(len(self.files), 'file')}.{told}")
        if self.damaged:
            self.notes.append(f"{count_noun(self.damaged, 'row')} came in without a list that cannot be read.")
        self.notes += [f"  {example}" for example in self.examples]
        if (more := self.broken + self.damaged - len(self.examples)) > 0:
            self.notes.append(f"  and {more:,} more")


_TAKERS = {
    Kind.LINKS: _Reader._take_link,
    Kind.ANSWERS: _Reader._take_film,
    Kind.FILMS: _Reader._take_film,
    Kind.IDS: _Reader._take_id,
    Kind.CREDITS: _Reader._take_credits,
    Kind.KEYWORDS: _Reader._take_keywords,
}
