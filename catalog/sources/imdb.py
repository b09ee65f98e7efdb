"""IMDb's data files (title.basics.tsv.gz and the others), streamed.

The format: https://developer.imdb.com/non-commercial-datasets/
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from catalog.dataset import ACTOR, DIRECTOR
from catalog.errors import DataFileError
from catalog.limits import MAX_YEAR, MIN_YEAR
from catalog.movielens.files import DataFile, data_files
from catalog.plurals import count_noun
from catalog.sources.film_source import FilmSource, Part, Table, to_part
from catalog.sources.number_set import NumberSet
from catalog.sources.regions import LANGUAGE_OF_REGION
from catalog.sources.tsv_blocks import read_blocks

TITLE_TYPES = (
    "movie", "tvMovie", "video", "tvSpecial", "short", "tvShort", "tvSeries", "tvMiniSeries", "tvEpisode", "tvPilot",
    "videoGame",
)  # fmt: skip
MIN_VOTES = 100
MAX_DIRECTORS = 10
MAX_CAST = 50
_MAX_TITLE, _MAX_NAME, _MAX_RUNTIME = 300, 200, 32_767
_NUMBER = r"^(?:tt|nm)0*([0-9]{1,9})$"


@dataclass(frozen=True)
class ImdbOptions:
    """Which titles are read. `min_votes`: None for MIN_VOTES where there is title.ratings."""

    types: Collection[str] = ("movie",)
    min_votes: int | None = None
    cast: int = 15  # of a film, in billing order
    adult: bool = False


def read_imdb(path: Path, options: ImdbOptions | None = None) -> FilmSource:
    """Return the files in the folder or zip as a source. Raises DataFileError where there is no title.basics."""
    _, files = data_files(path)
    found = {name: file for name in _NAMES if (file := files.get(f"{name}.tsv.gz") or files.get(f"{name}.tsv"))}
    if "title.basics" not in found:
        names = ", ".join(sorted(files)[:10]) or "nothing"
        raise DataFileError(str(path), None, f"holds no title.basics.tsv.gz of IMDb; it has {names}")
    reader = _Reader(found, options or ImdbOptions())
    if reader.options.min_votes and "title.ratings" not in found:
        raise DataFileError(
            str(path), None, "holds no title.ratings.tsv.gz, by which votes are counted; add it or ask for 0 votes"
        )
    source = FilmSource("IMDb", reader.parts)
    reader.notes = source.notes
    source.notes += [f"There is no {name}.tsv.gz: {lack}." for name, lack in _NAMES.items() if name not in found]
    return source


# The files, and what is missing where one is.
_NAMES = {
    "title.basics": "nothing can be imported",
    "title.ratings": "titles are taken however few voted",
    "title.crew": "directors come from title.principals",
    "title.principals": "films get no cast",
    "name.basics": "films get no people",
    "title.akas": "titles have no translations",
}


class _Reader:
    """Reads the files one after the other; keeps only which titles and people are wanted."""

    def __init__(self, files: dict[str, DataFile], options: ImdbOptions) -> None:
        self.files, self.options = files, options
        self.films, self.people = NumberSet(), NumberSet()
        self.notes: list[str] = []

    def parts(self) -> Iterator[Part]:
        yield from self._titles()
        if "name.basics" in self.files:
            yield from self._directors()
            yield from self._principals()
            yield from self._names()
        yield from self._translations()

    def _titles(self) -> Iterator[Part]:
        voted = self._voted()
        adult = other = unpopular = 0
        columns = (
            "tconst",
            "titleType",
            "primaryTitle",
            "originalTitle",
            "isAdult",
            "startYear",
            "runtimeMinutes",
            "genres",
        )
        for rows, _ in read_blocks(self.files["title.basics"], columns):
            every = rows.height
            rows = rows.filter(pl.col("titleType").is_in(list(self.options.types)))
            other += every - rows.height
            if not self.options.adult:
                decent = rows.filter(pl.col("isAdult").fill_null("0") != "1")
                adult, rows = adult + rows.height - decent.height, decent
            rows = _with_number(rows, "tconst", "film")
            title = _clean("primaryTitle", _MAX_TITLE)
            rows = rows.with_columns(
                title=pl.when(title == "").then(_clean("originalTitle", _MAX_TITLE)).otherwise(title)
            )
            rows = rows.filter(pl.col("title") != "")
            if voted is not None:
                popular = rows.filter(voted.contains(rows["film"].to_numpy()))
                unpopular, rows = unpopular + rows.height - popular.height, popular
            self.films.add(rows["film"].to_numpy())
            original = _clean("originalTitle", _MAX_TITLE)
            yield to_part(
                Table.FILMS,
                rows.select(
                    "film",
                    "title",
                    imdb="film",
                    original_title=pl.when(original == pl.col("title")).then(pl.lit("")).otherwise(original),
                    year=_whole("startYear", MIN_YEAR, MAX_YEAR),
                    runtime=_whole("runtimeMinutes", 1, _MAX_RUNTIME),
                ),
                every,
            )
            genres = rows.select("film", name=pl.col("genres").str.split(",")).explode("name", empty_as_null=True)
            genres = genres.with_columns(pl.col("name").str.strip_chars()).filter(pl.col("name").fill_null("") != "")
            yield to_part(Table.GENRES, genres, 0)
        self.notes.append(
            f"Left out: {count_noun(other, 'title')} of other types, {adult:,} for adults only, "
            f"{unpopular:,} with too few votes."
        )

    def _voted(self) -> NumberSet | None:
        """Return the titles with enough votes; None where any number will do."""
        least = MIN_VOTES if self.options.min_votes is None else self.options.min_votes
        if "title.ratings" not in self.files or least <= 0:
            return None
        voted = NumberSet()
        for rows, _ in read_blocks(self.files["title.ratings"], ("tconst", "numVotes")):
            enough = _with_number(
                rows.filter(pl.col("numVotes").cast(pl.Int64, strict=False) >= least), "tconst", "film"
            )
            voted.add(enough["film"].to_numpy())
        return voted

    def _directors(self) -> Iterator[Part]:
        if "title.crew" not in self.files:
            return
        for rows, _ in read_blocks(self.files["title.crew"], ("tconst", "directors")):
            read = rows.height
            rows = _with_number(rows, "tconst", "film")
            rows = rows.filter(pl.col("directors").is_not_null() & self.films.contains(rows["film"].to_numpy()))
            listed = rows.select("film", person=pl.col("directors").str.split(",").list.head(MAX_DIRECTORS))
            listed = listed.with_columns(order=pl.int_ranges(pl.col("person").list.len()))
            yield self._credits(listed.explode("person", "order", empty_as_null=True), DIRECTOR, read)

    def _principals(self) -> Iterator[Part]:
        if "title.principals" not in self.files:
            return
        roles = {ACTOR: ("actor", "actress")} | ({} if "title.crew" in self.files else {DIRECTOR: ("director",)})
        limits = {ACTOR: self.options.cast, DIRECTOR: MAX_DIRECTORS}
        held = pl.DataFrame(schema={"film": pl.Int32, "ordering": pl.Int64, "person": pl.String, "category": pl.String})
        for rows, _ in read_blocks(self.files["title.principals"], ("tconst", "ordering", "nconst", "category")):
            read = rows.height
            last = _with_number(rows.tail(1), "tconst", "film")["film"]
            rows = rows.filter(pl.col("category").is_in([name for names in roles.values() for name in names]))
            rows = _with_number(rows, "tconst", "film")
            rows = rows.filter(self.films.contains(rows["film"].to_numpy())).select(
                "film", pl.col("ordering").cast(pl.Int64, strict=False).fill_null(0), "category", person="nconst"
            )
            rows = pl.concat([held, rows.select(held.columns)])
            # The last title's rows may go on in the next block: they wait for it, so that its cast is counted once.
            is_last = pl.col("film").is_in(last.implode())
            held = rows.filter(is_last)
            yield from self._billed(rows.filter(~is_last), roles, limits, read)
        yield from self._billed(held, roles, limits, 0)

    def _billed(
        self, rows: pl.DataFrame, roles: Mapping[int, tuple[str, ...]], limits: Mapping[int, int], read: int
    ) -> Iterator[Part]:
        """Yield the credits of each role, those that are billed first."""
        for role, categories in roles.items():
            of_role = rows.filter(pl.col("category").is_in(list(categories))).sort("film", "ordering")
            of_role = of_role.unique(["film", "person"], keep="first", maintain_order=True)
            of_role = of_role.with_columns(order=pl.int_range(pl.len()).over("film"))
            yield self._credits(of_role.filter(pl.col("order") < limits[role]), role, read)
            read = 0

    def _credits(self, rows: pl.DataFrame, role: int, read: int) -> Part:
        rows = _with_number(rows.rename({"person": "nconst"}), "nconst", "person")
        self.people.add(rows["person"].to_numpy())
        return to_part(Table.CREDITS, rows.with_columns(role=pl.lit(role)), read)

    def _names(self) -> Iterator[Part]:
        for rows, _ in read_blocks(self.files["name.basics"], ("nconst", "primaryName")):
            read = rows.height
            rows = _with_number(rows, "nconst", "person")
            rows = rows.filter(self.people.contains(rows["person"].to_numpy()))
            rows = rows.select("person", name=_clean("primaryName", _MAX_NAME)).filter(pl.col("name") != "")
            yield to_part(Table.NAMES, rows, read)

    def _translations(self) -> Iterator[Part]:
        if "title.akas" not in self.files:
            return
        columns = ("titleId", "ordering", "title", "region", "language", "types", "attributes", "isOriginalTitle")
        for rows, _ in read_blocks(self.files["title.akas"], columns):
            read = rows.height
            rows = rows.filter(
                pl.col("attributes").is_null(),  # working titles, transliterations, literal translations
                pl.col("isOriginalTitle").fill_null("0") != "1",
                pl.col("types").is_null() | (pl.col("types") == "imdbDisplay"),
            )
            rows = _with_number(rows, "titleId", "film")
            rows = rows.filter(self.films.contains(rows["film"].to_numpy()))
            rows = rows.with_columns(
                is_named=pl.col("language").str.contains(r"^[a-z]{2}$").fill_null(False),
                of_region=pl.col("region").replace_strict(LANGUAGE_OF_REGION, default=None, return_dtype=pl.String),
            )
            rows = rows.with_columns(
                language=pl.when("is_named").then(pl.col("language")).otherwise(pl.col("of_region"))
            ).filter(pl.col("language").is_not_null())
            place = (~pl.col("is_named")) * 20_000 + pl.col("types").is_null() * 10_000
            yield to_part(
                Table.TRANSLATIONS,
                rows.select(
                    "film",
                    "language",
                    title=_clean("title", _MAX_TITLE),
                    place=place.cast(pl.Int32) + pl.col("ordering").cast(pl.Int32, strict=False).fill_null(9_999),
                ).filter(pl.col("title") != ""),
                read,
            )


def _with_number(rows: pl.DataFrame, column: str, name: str) -> pl.DataFrame:
    """Add the number in an id of IMDb (tt0114709 → 114709); rows without one are left out."""
    number = pl.col(column).str.extract(_NUMBER).cast(pl.Int32, strict=False)
    return rows.with_columns(number.alias(name)).filter(pl.col(name) > 0)


def _clean(column: str, length: int) -> pl.Expr:
    """Return the text with one space between words, cut to `length` characters; "" for null."""
    text = pl.col(column).fill_null("").str.replace_all(r"\s+", " ").str.strip_chars()
    return text.str.slice(0, length).str.strip_chars_end()


def _whole(column: str, least: int, most: int) -> pl.Expr:
    """Return the number of a text, null outside the bounds."""
    number = pl.col(column).cast(pl.Int32, strict=False)
    return pl.when(number.is_between(least, most)).then(number)
