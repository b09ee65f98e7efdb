"""Export of events: Postgres makes the lines of the file, a page in one text. As rows, or by COPY, each line would be a
message of its own, at three times the price."""

from collections.abc import Iterator

from django.db import connection

from catalog.exchange.row_files import FileFormat
from catalog.models import WatchEvent
from infrastructure.read_replica import read_from_replica

PAGE_SIZE = 10_000  # rows: a piece of the file, made in a tenth of a second
_KINDS = " ".join(f"WHEN {kind.value} THEN '{kind.label}'" for kind in WatchEvent.Kind)
_KIND = f"CASE e.kind {_KINDS} END"
_MOMENT = """to_char(e.occurred_at AT TIME ZONE 'UTC', CASE WHEN date_trunc('second', e.occurred_at) = e.occurred_at
    THEN 'YYYY-MM-DD"T"HH24:MI:SS"+00:00"' ELSE 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"' END)"""
_EVENT_KEY = "coalesce((SELECT k.key FROM catalog_eventkey k WHERE k.id = e.client_event_id), e.client_event_id::text)"
# As write_key_text() writes a text that would be read as a number.
_TEXT = r"""CASE WHEN {key} ~ '^''* *[0-9]+(\.0*)? *$' AND {key} !~ '^[0-9]+$' THEN '''' || {key} ELSE {key} END"""
_USER_ID, _MOVIE_ID = f"({_TEXT.format(key='v.key')})", f"({_TEXT.format(key='m.key')})"
_CELL = """CASE WHEN {key} ~ '[",]' THEN '"' || replace({key}, '"', '""') || '"' ELSE {key} END"""  # keys print
_CSV_LINE = f"""concat_ws(',', coalesce({_CELL.format(key=_USER_ID)}, v.id::text),
    coalesce({_CELL.format(key=_MOVIE_ID)}, m.id::text), {_KIND}, {_MOMENT}, coalesce(e.rating::text, ''),
    coalesce(e.completion::text, ''), coalesce({_CELL.format(key=_EVENT_KEY)}, ''), v.is_session::text)"""
_JSON_LINE = f"""'{{"user_id": ' || coalesce(to_json({_USER_ID})::text, v.id::text)
    || ', "movie_id": ' || coalesce(to_json({_MOVIE_ID})::text, m.id::text)
    || ', "kind": "' || {_KIND} || '", "occurred_at": "' || {_MOMENT}
    || '", "rating": ' || coalesce(e.rating::text, 'null') || ', "completion": ' || coalesce(e.completion::text, 'null')
    || ', "event_id": ' || coalesce(to_json({_EVENT_KEY})::text, 'null')
    || ', "session": ' || v.is_session || '}}'"""
_PAGE = """SELECT string_agg({line}, E'\n' ORDER BY e.id), max(e.id)
    FROM (SELECT * FROM catalog_watchevent WHERE id > %s ORDER BY id LIMIT %s) AS e
    JOIN catalog_viewer v ON v.id = e.viewer_id JOIN catalog_movie m ON m.id = e.movie_id"""


def export_event_lines(file_format: FileFormat) -> Iterator[str]:
    """Yield the lines of all events in pieces, by id. Each page is as it was at one moment."""
    statement = _PAGE.format(line=_JSON_LINE if file_format is FileFormat.JSONL else _CSV_LINE)
    after = 0
    while True:
        with read_from_replica(), connection.cursor() as cursor:
            cursor.execute(statement, [after, PAGE_SIZE])
            lines, after = cursor.fetchone()
        if lines is None:
            return
        yield f"{lines}\n"
