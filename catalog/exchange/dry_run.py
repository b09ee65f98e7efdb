"""What an import would do: each part is done and taken back at once. The same rules judge, and nothing is written."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any, NamedTuple

from django.db import connection, transaction

from catalog.exchange.movie_export import key_in_file, movie_values
from catalog.exchange.row_import import ImportResult, Rejection, import_rows
from catalog.exchange.row_schemas import RowKind, validate_row
from catalog.exchange.text_blocks import Row
from catalog.models import Credit, Genre, Person, Viewer
from catalog.selectors import find_viewers, has_demo, movie_details_by_ids, resolve_movie_ids, stored_genres

MAX_NEW_NAMES = 100  # that a report names, of genres and of people
_Values = Mapping[str, Any]


@dataclass
class DryRunReport:
    """What would become of the rows, and what they would make beside their records."""

    made: int = 0
    changed: int = 0
    unchanged: int = 0  # events that exist already, or records that are as the row says
    rejected: int = 0
    new_genres: list[str] = field(default_factory=list)  # the first MAX_NEW_NAMES
    new_people: int = 0
    new_people_names: list[str] = field(default_factory=list)  # the first MAX_NEW_NAMES
    new_viewers: int = 0
    removes_demo: bool = False

    @property
    def rows(self) -> int:
        """How many rows were read."""
        return self.made + self.changed + self.unchanged + self.rejected

    def as_json(self) -> dict[str, Any]:
        """Return the report as the result of a job."""
        return {"dry_run": True, "rows": self.rows} | asdict(self)


class _Record(NamedTuple):
    """What a row is about, and how that is stored; None where it is not."""

    identity: Any
    state: Any


class DryRun:
    """Judges the rows of a file, part by part."""

    def __init__(self, kind: RowKind, *, create_genres: bool = False) -> None:
        self.kind, self.report = kind, DryRunReport()
        self._import_rows = partial(import_rows, create_genres=create_genres)
        # What earlier parts would have made: none of it is there when a later one is judged.
        self._made: set[Any] = set()
        self._stubs: dict[Any, Row] = {}  # of films, by each of their ids
        self._people: set[str] = set()
        self._genres: dict[str, None] = {}
        self._viewers: set[Any] = set()
        self._events = _EventHashes()

    def add(self, rows: Sequence[Row]) -> list[Rejection]:
        """Judge a part. Returns its rejections."""
        sound = {
            row.line: values for row in rows for values, problems in [validate_row(self.kind, row)] if not problems
        }
        had_demo, last_person = has_demo(), Person.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
        genres = set(Genre.objects.values_list("name", flat=True))
        with transaction.atomic():
            if stubs := self._stubs_of(sound.values()):
                import_rows(self.kind, stubs, create_genres=False)
            result = self._import_rows(self.kind, rows)
            for line in {rejection.line for rejection in result.rejections}:
                sound.pop(line, None)
            written = [*sound.values()]
            after = _RECORDS[self.kind](written) if self.kind in _RECORDS else []
            new_genres = set(Genre.objects.values_list("name", flat=True)) - genres
            self._people |= set(Person.objects.filter(pk__gt=last_person).values_list("name", flat=True))
            self.report.removes_demo |= had_demo and not has_demo()
            transaction.set_rollback(True)
        self.report.rejected += result.rejected
        if self.kind is RowKind.EVENTS:
            self._count_events(sound, result)
        else:
            self._count_records(written, after)
        self._genres |= dict.fromkeys(sorted(new_genres))
        if self.kind in (RowKind.EVENTS, RowKind.VIEWERS):
            keys = {values["user_id"] for values in written} - self._viewers
            self._viewers |= keys - find_viewers(keys).keys()
        self._note_names()
        return result.rejections

    def _note_names(self) -> None:
        self.report.new_genres = [*self._genres][:MAX_NEW_NAMES]
        self.report.new_people, self.report.new_viewers = len(self._people), len(self._viewers)
        self.report.new_people_names = sorted(self._people)[:MAX_NEW_NAMES]

    def _count_records(self, written: Sequence[_Values], after: Sequence[_Record]) -> None:
        before = _RECORDS[self.kind](written)
        for values, old, new in zip(written, before, after, strict=True):
            if old.state is None and new.identity not in self._made:
                self.report.made += 1
                self._made.add(new.identity)
                if self.kind is RowKind.MOVIES:
                    names = ("movie_id", "imdb_id", "tmdb_id", "title", "shared_ids")
                    stub = Row(0, {name: values[name] for name in names if name in values})
                    if "movie_id" in values:
                        stub.values["movie_id"] = key_in_file(values["movie_id"])
                    self._stubs |= dict.fromkeys(_movie_ids(values), stub)
            elif old.state == new.state:
                self.report.unchanged += 1
            else:
                self.report.changed += 1

    def _stubs_of(self, rows: Iterable[_Values]) -> list[Row]:
        """Return rows that make the films again which these rows name and earlier parts would have made."""
        if not self._stubs:
            return []
        stubs = (self._stubs.get(movie_id) for values in rows for movie_id in _movie_ids(values))
        return [*{id(stub): stub for stub in stubs if stub}.values()]

    def _count_events(self, sound: Mapping[int, _Values], result: ImportResult) -> None:
        there = set(result.duplicate_lines)
        new = [values for line, values in sound.items() if line not in there]
        made = self._events.add([_event_identities(values) for values in new])
        self.report.made += made
        self.report.unchanged += len(sound) - made


class _EventHashes:
    """The events that earlier parts would have stored, as numbers in a table that goes with the connection."""

    is_made = False

    def add(self, events: Sequence[Collection[int]]) -> int:
        """Add events by their identities. Returns how many of them are new."""
        if not events:
            return 0
        with connection.cursor() as cursor:
            if not self.is_made:
                cursor.execute("DROP TABLE IF EXISTS pg_temp.dry_run_events")
                cursor.execute("CREATE TEMP TABLE dry_run_events (hash bigint PRIMARY KEY)")
                self.is_made = True
            hashes = [number for identities in events for number in identities]
            cursor.execute(
                """INSERT INTO dry_run_events SELECT DISTINCT unnest(%s::bigint[])
                   ON CONFLICT DO NOTHING RETURNING hash""",
                [hashes],
            )
            new = {number for (number,) in cursor.fetchall()}
        return sum(new.issuperset(identities) for identities in events)


def _event_identities(values: _Values) -> list[int]:
    """Return what an event is known by, as numbers of 64 bits."""
    natural = hash(tuple(values[name] for name in ("user_id", "movie_id", "kind", "occurred_at", "rating")))
    return [natural, *([hash(values["event_id"].number)] if values["event_id"] else [])]


def _movie_ids(values: _Values) -> list[tuple[str, Any]]:
    return [(name, values[name]) for name in ("movie_id", "imdb_id", "tmdb_id") if values.get(name)]


def _movie_records(rows: Sequence[_Values]) -> list[_Record]:
    texts = [
        [str(row["movie_id"])]
        if row.get("movie_id")
        else [f"{site}:{row[name]}" for site, name in (("imdb", "imdb_id"), ("tmdb", "tmdb_id")) if row.get(name)]
        for row in rows
    ]
    found = resolve_movie_ids({text for names in texts for text in names})
    ids = [next((found[text] for text in names if text in found), None) for names in texts]
    details = movie_details_by_ids({movie_id for movie_id in ids if movie_id is not None})
    states = {values["card"].movie_id: values for values in movie_values(list(details.values()))}
    return [
        _Record(_movie_ids(row)[0], None if movie_id is None else states.get(movie_id))
        for row, movie_id in zip(rows, ids, strict=True)
    ]


def _credit_records(rows: Sequence[_Values]) -> list[_Record]:
    movies = resolve_movie_ids({row["movie_id"] for row in rows})
    stored: dict[tuple[int, str, str], set[tuple[str, int | None, int]]] = {}
    for item in Credit.objects.filter(movie_id__in=movies.values()).select_related("person"):
        person = item.person
        stored.setdefault((item.movie_id, item.get_role_display(), person.name), set()).add(
            (person.imdb_id, person.tmdb_id, item.order)
        )
    records = []
    for row in rows:
        person = row["person"]
        place = movies[row["movie_id"]], row["role"], person.name
        namesakes = stored.get(place, set())
        if person.has_id:
            named = {known for known in namesakes if person.imdb_id == known[0] or person.tmdb_id == known[1]}
            namesakes = named or {known for known in namesakes if not (known[0] or known[1])}
        records.append(_Record((*place, person), namesakes or None))
    return records


def _genre_records(rows: Sequence[_Values]) -> list[_Record]:
    genres, names = stored_genres(), [row["name"] for row in rows]
    ids = [next((genres.ids[number] for number in genres.names.find_stated(name)), 0) for name in names]
    stored = {genre.pk: genre for genre in Genre.objects.prefetch_related("aliases", "translations")}
    states = {
        pk: (
            {alias.name for alias in genre.aliases.all()},
            {translation.language: translation.name for translation in genre.translations.all()},
        )
        for pk, genre in stored.items()
    }
    return [_Record(name, states.get(pk)) for name, pk in zip(names, ids, strict=True)]


def _viewer_records(rows: Sequence[_Values]) -> list[_Record]:
    keys = [row["user_id"] for row in rows]
    ids = find_viewers(set(keys))
    columns = Viewer.objects.filter(pk__in=ids.values()).values_list(
        "pk", "name", "age_limit", "country", "language", "is_session", "account", "created_at"
    )
    states = {pk: state for pk, *state in columns}
    return [_Record(key, states.get(ids.get(key, 0))) for key in keys]


_RECORDS: dict[RowKind, Callable[[Sequence[_Values]], list[_Record]]] = {
    RowKind.MOVIES: _movie_records,
    RowKind.PEOPLE: _credit_records,
    RowKind.GENRES: _genre_records,
    RowKind.VIEWERS: _viewer_records,
}
