"""Files of Wikidata's query service as a source: their rows are put together film by film."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zipfile import is_zipfile

from catalog.dataset import to_frame
from catalog.errors import DataFileError
from catalog.movielens.files import DataFile, data_files, single_file
from catalog.plurals import count_noun
from catalog.sources.film_source import SCHEMAS, FilmSource, Part, Table, to_part
from catalog.sources.wikidata.films import Film, film_number, has_film
from catalog.sources.wikidata.results import ResultRow, read_results

MAX_CAST = 50
MAX_EXAMPLES = 10  # of rows that were left out
BATCH = 2_000  # films that become tables together
_PROGRESS = 20_000  # rows
_SUFFIXES = (".json", ".csv", ".json.gz", ".csv.gz")


@dataclass(frozen=True)
class WikidataOptions:
    """Which films are read, and how."""

    cast: int = 15  # of a film, in billing order
    adult: bool = False
    title_language: str = "en"


def read_wikidata(paths: Sequence[Path], options: WikidataOptions | None = None) -> FilmSource:
    """Return the files, or those in the folders or zips, as one source. Raises DataFileError where there is none."""
    reader = _Reader([file for path in paths for file in _files(path)], options or WikidataOptions())
    source = FilmSource("Wikidata", reader.parts)
    reader.notes = source.notes
    return source


def _files(path: Path) -> list[DataFile]:
    if path.is_file() and not is_zipfile(path):
        return [single_file(path)]
    _, files = data_files(path)
    found = [file for name, file in sorted(files.items()) if name.lower().endswith(_SUFFIXES)]
    if not found:
        names = ", ".join(sorted(files)[:10]) or "nothing"
        raise DataFileError(str(path), None, f"holds no results of a query as JSON or CSV; it has {names}")
    return found


@dataclass
class _Reader:
    files: list[DataFile]
    options: WikidataOptions
    notes: list[str] = field(default_factory=list)
    films: dict[int, Film] = field(default_factory=dict)
    rows: int = 0
    left_out: Counter[tuple[str, str]] = field(default_factory=Counter)  # noun, and what is wrong
    examples: list[str] = field(default_factory=list)

    def parts(self) -> Iterator[Part]:
        nothing = to_frame([], SCHEMAS[Table.FILMS])
        for file in self.files:
            read = 0
            for row in read_results(file):
                self._take(file, row)
                read += 1
                if read % _PROGRESS == 0:
                    yield to_part(Table.FILMS, nothing, _PROGRESS)
            if not read:
                raise DataFileError(file.label, None, "has no results: the query found no film")
            self.rows += read
            yield to_part(Table.FILMS, nothing, read % _PROGRESS)
        films = list(self.films.values())
        self.films.clear()
        for first in range(0, len(films), BATCH):
            yield from self._tables(films[first : first + BATCH])
        self._tell()

    def _take(self, file: DataFile, row: ResultRow) -> None:
        number = film_number(row)
        if number is None:
            if not has_film(row.values) and not self.films:
                present = ", ".join(row.values)[:200] or "nothing"
                raise DataFileError(
                    file.label, None, f"names no film: it needs the variable film, an item; it has {present}"
                )
            self._leave_out("row", "without an item of Wikidata as the film", row.place)
            return
        film = self.films.get(number)
        if film is None:
            film = self.films[number] = Film(number)
        film.add(row, self.options.title_language)

    def _leave_out(self, noun: str, reason: str, example: str) -> None:
        self.left_out[noun, reason] += 1
        if len(self.examples) < MAX_EXAMPLES:
            self.examples.append(f"{example}: {noun} {reason}")

    def _tables(self, films: Sequence[Film]) -> Iterator[Part]:
        """Yield the tables of some films."""
        staged: dict[Table, list[dict[str, Any]]] = {table: [] for table in Table}
        people: dict[int, str] = {}
        language = self.options.title_language
        for film in films:
            facts = film.facts(language)
            if facts is None:
                self._leave_out("film", "without a title", f"Q{film.number}")
                continue
            if film.is_adult and not self.options.adult:
                self.left_out["film", "for adults only"] += 1
                continue
            staged[Table.FILMS].append(facts)
            staged[Table.GENRES] += ({"film": film.number, "name": name} for name in film.genres())
            staged[Table.TAGS] += ({"film": film.number, "name": name, "count": 1} for name in film.tags())
            staged[Table.TRANSLATIONS] += film.translations(language)
            for credit in film.credits(self.options.cast):
                staged[Table.CREDITS].append({"film": film.number, **credit._asdict()})
                if credit.person:
                    people.setdefault(credit.person, credit.name)
        staged[Table.NAMES] += ({"person": number, "name": name} for number, name in people.items())
        for table, rows in staged.items():
            if rows:
                yield to_part(table, to_frame(rows, SCHEMAS[table]), 0)

    def _tell(self) -> None:
        counts = [f"{count_noun(number, noun)} {reason}" for (noun, reason), number in self.left_out.items()]
        told = f" Left out: {', '.join(counts)}." if counts else ""
        self.notes.append(f"Read {count_noun(self.rows, 'row')} of {count_noun(len(self.files), 'file')}.{told}")
        self.notes += [f"  {example}" for example in self.examples]
