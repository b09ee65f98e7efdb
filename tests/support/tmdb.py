"""Small invented files of TMDB's data, as its API answers and as others made tables of it."""

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

METADATA = (
    "adult,belongs_to_collection,budget,genres,homepage,id,imdb_id,original_language,original_title,overview,"
    "popularity,poster_path,production_companies,production_countries,release_date,revenue,runtime,spoken_languages,"
    "status,tagline,title,video,vote_average,vote_count"
)
V11 = (
    "id,title,vote_average,vote_count,status,release_date,revenue,runtime,adult,backdrop_path,budget,homepage,imdb_id,"
    "original_language,original_title,overview,popularity,poster_path,tagline,genres,production_companies,"
    "production_countries,spoken_languages,keywords"
)
TMDB_5000 = (
    "budget,genres,homepage,id,keywords,original_language,original_title,overview,popularity,production_companies,"
    "production_countries,release_date,revenue,runtime,spoken_languages,status,tagline,title,vote_average,vote_count"
)

PAPER: dict[str, Any] = {
    "adult": False, "genres": [{"id": 35, "name": "Comedy"}, {"id": 878, "name": "Science Fiction"}], "id": 501,
    "imdb_id": "tt0000101", "original_language": "fr", "original_title": "Lune de papier",
    "overview": "A moon made of paper.\nIt burns.", "popularity": 7.25, "poster_path": "/paper.jpg",
    "production_countries": [{"iso_3166_1": "FR", "name": "France"}, {"iso_3166_1": "US", "name": "United States"}],
    "release_date": "1973-05-09", "runtime": 102.0, "title": 'The "Paper" Moon', "video": False, "vote_count": 40,
    "belongs_to_collection": {"id": 9, "name": "Moons", "poster_path": None, "backdrop_path": None},
}  # fmt: skip
GLASS: dict[str, Any] = {
    "adult": False, "genres": [{"id": 18, "name": "Drama"}], "id": 502, "imdb_id": "", "original_language": "en",
    "original_title": "Glass Harbour", "overview": "No overview found.", "popularity": 0.6,
    "release_date": "1988-01-01", "runtime": 0.0, "title": "Glass Harbour", "video": False, "vote_count": 3,
}  # fmt: skip
CREDITS: dict[int, dict[str, list]] = {
    501: {
        "cast": [
            {"cast_id": 2, "character": "Trixie", "credit_id": "b", "gender": 1, "id": 22, "name": "Lena Hart",
             "order": 1, "profile_path": None},
            {"cast_id": 1, "character": "Moze", "credit_id": "a", "gender": 2, "id": 21, "name": "Sam Field",
             "order": 0, "profile_path": "/s.jpg"},
            {"cast_id": 3, "character": "Twin", "credit_id": "c", "gender": 2, "id": 21, "name": "Sam Field",
             "order": 2, "profile_path": None},
        ],
        "crew": [
            {"credit_id": "d", "department": "Writing", "gender": 0, "id": 31, "job": "Writer", "name": "Ida Writ"},
            {"credit_id": "e", "department": "Directing", "gender": 0, "id": 11, "job": "Director",
             "name": "Ola O'Brandt"},
        ],
    },
    502: {
        "cast": [{"cast_id": 1, "character": "", "credit_id": "f", "gender": 2, "id": 24, "name": "Sam Field",
                  "order": 0, "profile_path": None},
                 {"cast_id": 2, "character": "", "credit_id": "g", "gender": 2, "id": 25, "name": "Jr.", "order": 1,
                  "profile_path": None}],
        "crew": [],
    },
}  # fmt: skip


def python_cell(value: Any) -> Any:
    """Write a cell as The Movies Dataset does: lists and objects as literals of Python."""
    return repr(value) if isinstance(value, list | dict) else value


def json_cell(value: Any) -> Any:
    """Write a cell as TMDB 5000 does: lists as JSON."""
    return json.dumps(value) if isinstance(value, list | dict) else value


def names_cell(value: Any) -> Any:
    """Write a cell as TMDB Movies does: names with commas between them."""
    return ", ".join(item["name"] for item in value) if isinstance(value, list) else value


def write_table(path: Path, columns: str, rows: Sequence[Mapping[str, Any]], cell: Any = python_cell) -> Path:
    """Write a CSV file; what a row does not say is empty."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns.split(","))
        writer.writerows([cell(row.get(name, "")) for name in columns.split(",")] for row in rows)
    return path


def write_movies_dataset(folder: Path, films: Sequence[Mapping[str, Any]] = (PAPER, GLASS)) -> Path:
    """Write movies_metadata.csv, credits.csv, keywords.csv, links.csv and a ratings.csv; returns the folder."""
    folder.mkdir(exist_ok=True)
    write_table(folder / "movies_metadata.csv", METADATA, films)
    credit_rows = [{"id": film, **people} for film, people in CREDITS.items()]
    write_table(folder / "credits.csv", "cast,crew,id", credit_rows)
    keywords = [{"id": 501, "keywords": [{"id": 1, "name": "moon"}, {"id": 2, "name": "dad's car"}]}]
    write_table(folder / "keywords.csv", "id,keywords", [*keywords, {"id": 502, "keywords": []}])
    links = [{"movieId": 1, "imdbId": "0000102", "tmdbId": "502.0"}]
    write_table(folder / "links.csv", "movieId,imdbId,tmdbId", links)
    (folder / "ratings.csv").write_text("userId,movieId,rating,timestamp\n1,1,4.0,1\n")
    return folder


def write_lines(path: Path, rows: Sequence[Any]) -> Path:
    """Write JSON lines; a text is written as it is."""
    path.write_text("".join(f"{row if isinstance(row, str) else json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return path
