"""Reading MovieLens files: every layout, and every way to be broken, named with file and line."""

import gzip
import zipfile
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.errors import DataFileError
from catalog.movielens import read_movielens
from catalog.title_parsing import Title, parse_title

MOVIES = 'movieId,title,genres\n1,Toy Story (1995),Adventure|Animation\n2,"Net, The (1995)",(no genres listed)\n'
RATINGS = "userId,movieId,rating,timestamp\n7,2,4.5,1000000000\n7,1,3.0,1000000000\n9,1,0.5,900000000\n"
CSV = {
    "movies.csv": MOVIES,
    "ratings.csv": RATINGS,
    "links.csv": "movieId,imdbId,tmdbId\n1,0114709,862\n2,113957,\n",
    "tags.csv": 'userId,movieId,tag,timestamp\n7,1,Pixar ,1\n9,1, PIXAR,1\n9,1,pixar,2\n9,2,"hack, ""the"" net",2\n',
}
DAT = {
    "movies.dat": "1::Toy Story (1995)::Adventure|Animation\n2::Misérables, Les (1995)::Drama\n",
    "ratings.dat": "7::2::4.5::1000000000\n7::1::3::1000000000\n9::1::0.5::900000000\n",
    "tags.dat": "7::1::Pixar::1\n9::1::a::b::2\n",
}


def write(folder: Path, files: dict[str, str], encoding: str = "utf-8") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_bytes(text.encode(encoding))
    return folder


def events(folder: Path) -> pl.DataFrame:
    return pl.concat(read_movielens(folder).events)


def test_it_works(tmp_path: Path) -> None:
    dataset = read_movielens(write(tmp_path / "ml-tiny", CSV))
    assert dataset.name == "ml-tiny"
    assert dataset.movies["title"].to_list() == ["Toy Story", "The Net"]
    assert dataset.movies["year"].to_list() == [1995, 1995]
    assert dataset.movies["imdb_id"].to_list() == ["tt0114709", "tt0113957"]
    assert dataset.movies["tmdb_id"].to_list() == [862, None]
    assert dataset.genres.rows() == [(1, "Adventure"), (1, "Animation")]
    assert dataset.tags.rows() == [(1, "pixar", 2), (2, 'hack, "the" net', 1)]
    rows = pl.concat(dataset.events)
    assert rows["viewer"].to_list() == [7, 7, 9]
    assert rows["movie"].to_list() == [2, 1, 1]
    assert rows["rating"].to_list() == [4.5, 3.0, 0.5]
    assert rows["occurred_at"].to_list() == [1_000_000_000, 1_000_000_000, 900_000_000]


def test_zip_or_folder_flat_or_nested_is_the_same(tmp_path: Path) -> None:
    flat = write(tmp_path / "ml-tiny", CSV)
    nested, archive, nested_archive = tmp_path / "nested", tmp_path / "flat.zip", tmp_path / "nested.zip"
    write(nested / "ml-tiny", CSV)
    with zipfile.ZipFile(archive, "w") as flat_zip, zipfile.ZipFile(nested_archive, "w") as nested_zip:
        for name, text in CSV.items():
            flat_zip.writestr(name, text)
            nested_zip.writestr(f"ml-tiny/{name}", text)
    expected = events(flat)
    for path in (nested, archive, nested_archive):
        assert events(path).equals(expected)
        assert read_movielens(path).movies.equals(read_movielens(flat).movies)


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_the_layout_with_colons_in_either_encoding(tmp_path: Path, encoding: str) -> None:
    dataset = read_movielens(write(tmp_path, DAT, encoding))
    assert dataset.movies["title"].to_list() == ["Toy Story", "Les Misérables"]
    assert dataset.tags.rows() == [(1, "a::b", 1), (1, "pixar", 1)]
    assert pl.concat(dataset.events)["rating"].to_list() == [4.5, 3.0, 0.5]


def test_people_fill_missing_values(tmp_path: Path) -> None:
    people = tmp_path / "people.csv.gz"
    people.write_bytes(
        gzip.compress(
            b"movieId,title,imdbId,tmdbId,actors,directors,overview,poster_url,cast_source\n"
            b"2,x,999,5,Sandra Bullock|Jeremy Northam|Sandra Bullock,Irwin Winkler,Hackers.,https://p.example/2.jpg,\n"
            b"1,x,,,,,,not an address,\n"
            b"3,x,1,1,Nobody,,,,\n"
        )
    )
    dataset = read_movielens(write(tmp_path / "set", CSV), people)
    assert dataset.credits.rows() == [
        (2, "Irwin Winkler", 1, 0),
        (2, "Sandra Bullock", 2, 0),
        (2, "Jeremy Northam", 2, 1),
    ]
    assert dataset.movies.row(1, named=True) | {"overview": "Hackers.", "tmdb_id": 5} == dataset.movies.row(
        1, named=True
    )
    assert dataset.movies["imdb_id"].to_list() == ["tt0114709", "tt0113957"]
    assert dataset.movies["poster_url"].to_list() == ["", "https://p.example/2.jpg"]


def test_order_of_columns_line_ends_and_a_byte_order_mark_do_not_matter(tmp_path: Path) -> None:
    ratings = "\ufefftimestamp,rating,movieId,userId\r\n1000000000,4.5,2,7\r\n1000000000,3.0,1,7\r\n900000000,0.5,1,9"
    plain, odd = write(tmp_path / "a", CSV), write(tmp_path / "b", CSV | {"ratings.csv": ratings})
    assert events(odd).equals(events(plain))


def test_movies_without_ratings_are_a_catalogue(tmp_path: Path) -> None:
    dataset = read_movielens(write(tmp_path, {"movies.csv": MOVIES}))
    assert list(dataset.events) == []
    assert "only the films" in dataset.notes[0]


@pytest.mark.parametrize(
    ("file", "text", "line", "message"),
    [
        ("ratings.csv", RATINGS + "9,2,4.0\n", 5, "3 fields where 4"),
        ("ratings.csv", RATINGS + "9,2,4.0,x\n", 5, "'9, 2, 4.0, x'"),
        ("ratings.csv", RATINGS + "9,2,,12\n", 5, "numbers"),
        ("ratings.csv", RATINGS + "\n9,2,4.0,12\n", 5, "1 fields"),
        ("ratings.csv", RATINGS + "9,2,5.5,12\n", 5, "rating 5.5"),
        ("ratings.csv", RATINGS + "9,2,0.0,12\n", 5, "rating 0.0"),
        ("ratings.csv", RATINGS + "9,2,3.2,12\n", 5, "rating 3.2"),
        ("ratings.csv", RATINGS + "9,2,nan,12\n", 5, "rating nan"),
        ("ratings.csv", RATINGS + "9,3,4.0,12\n7,1,9,1\n", 5, "film 3 does not stand"),
        ("ratings.csv", RATINGS + "9,-1,4.0,12\n", 5, "film -1"),
        ("ratings.csv", RATINGS + "0,1,4.0,12\n", 5, "userId 0"),
        ("ratings.csv", RATINGS + "9,1,4.0,99999999999\n", 5, "timestamp"),
        ("ratings.csv", "userId,movieId,rating\n", 1, "column timestamp is missing"),
        ("ratings.csv", "", 1, "it has nothing"),
        ("ratings.csv", "userId,movieId,rating,timestamp\n", 2, "holds no ratings"),
        ("ratings.csv", RATINGS.encode("utf-16").decode("latin-1"), 1, "column"),
        ("movies.csv", "movieId,genres\n", 1, "column title is missing"),
        ("movies.csv", "movieId,title,genres\n", 1, "no films"),
        ("movies.csv", MOVIES + "3,Heat (1995)\n", 4, "2 fields where 3"),
        ("movies.csv", MOVIES + "x,Heat (1995),Crime\n", 4, "movieId 'x'"),
        ("movies.csv", MOVIES + "1,Heat (1995),Crime\n", 4, "second time"),
        ("movies.csv", MOVIES + "3, ,Crime\n", 4, "title is empty"),
        ("movies.csv", MOVIES + '3,"Heat (1995),Crime\n', 4, "no CSV row"),
        ("movies.csv", MOVIES + "3,Caf\udce9,Crime\n", 4, "not UTF-8"),
        ("links.csv", "movieId,imdbId,tmdbId\n5,1,1\n", 2, "film 5"),
        ("links.csv", "movieId,imdbId,tmdbId\n1,abc,1\n", 2, "imdbId 'abc'"),
        ("tags.csv", "userId,movieId,tag,timestamp\n1,1,a,1\n1,8,b,1\n", 3, "film 8"),
    ],
)
def test_broken_input_names_file_and_line(tmp_path: Path, file: str, text: str, line: int, message: str) -> None:
    write(tmp_path, CSV)
    (tmp_path / file).write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(DataFileError) as caught:
        events(tmp_path)
    assert (caught.value.file, caught.value.line) == (file, line)
    assert message in caught.value.problem


def test_a_bad_row_is_found_beyond_the_first_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("catalog.movielens.ratings.BLOCK_SIZE", 64)
    rows = [f"{user},{1 + user % 2},{user % 10 / 2 + 0.5},{user}" for user in range(1, 500)]
    write(tmp_path, CSV | {"ratings.csv": "\n".join(["userId,movieId,rating,timestamp", *rows])})
    assert events(tmp_path)["viewer"].to_list() == list(range(1, 500))
    rows[400] = "x"
    write(tmp_path, CSV | {"ratings.csv": "\n".join(["userId,movieId,rating,timestamp", *rows])})
    with pytest.raises(DataFileError, match=r"ratings\.csv, line 402: has 1 fields"):
        events(tmp_path)


def test_a_cut_or_damaged_zip_says_so(tmp_path: Path) -> None:
    archive = tmp_path / "ml.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for name, text in CSV.items():
            file.writestr(name, text * 50 if name == "ratings.csv" else text)
    whole = archive.read_bytes()
    archive.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataFileError, match=r"ml\.zip: is cut or damaged"):
        read_movielens(archive)
    place = whole.index(b"ratings.csv") + 40
    archive.write_bytes(whole[:place] + bytes(30) + whole[place + 30 :])
    with pytest.raises(DataFileError, match="cut or damaged"):
        events(archive)


def test_an_unknown_layout_says_what_is_needed(tmp_path: Path) -> None:
    (tmp_path / "films.json").write_text("{}")
    with pytest.raises(DataFileError, match=r"needs movies\.csv or movies\.dat .* it has films\.json"):
        read_movielens(tmp_path)
    with pytest.raises(DataFileError, match="no such zip or folder"):
        read_movielens(tmp_path / "nowhere.zip")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("American President, The (1995)", ("The American President", "", 1995)),
        ("City of Lost Children, The (Cité des enfants perdus, La) (1995)",
         ("The City of Lost Children", "La Cité des enfants perdus", 1995)),
        ("Seven (a.k.a. Se7en) (1995)", ("Seven", "Se7en", 1995)),
        ("Léon: The Professional (a.k.a. The Professional) (Léon) (1994)", ("Léon: The Professional", "Léon", 1994)),
        ("Men in Black II (a.k.a. MIIB) (a.k.a. MIB 2) (2002)", ("Men in Black II", "MIIB", 2002)),
        ("Atalante, L' (1934)", ("L'Atalante", "", 1934)),
        ("Love on the Run (Amour en fuite, L') (1979)", ("Love on the Run", "L'Amour en fuite", 1979)),
        ("Lord of the Rings: The Fellowship of the Ring, The (2001)",
         ("The Lord of the Rings: The Fellowship of the Ring", "", 2001)),
        ("Good, the Bad and the Ugly, The (Buono, il brutto, il cattivo, Il) (1966)",
         ("The Good, the Bad and the Ugly", "Il Buono, il brutto, il cattivo", 1966)),
        ("Free Will, The (Freie Wille, Der) (2006) ", ("The Free Will", "Der Freie Wille", 2006)),
        ("To Have, or Not (En avoir (ou pas)) (1995)", ("To Have, or Not", "En avoir (ou pas)", 1995)),
        ("I Am Curious (Yellow) (Jag är nyfiken - en film i gult) (1967)",
         ("I Am Curious (Yellow)", "Jag är nyfiken - en film i gult", 1967)),
        ("(500) Days of Summer (2009)", ("(500) Days of Summer", "", 2009)),
        ("Histoire(s) du Cinéma (1989)", ("Histoire(s) du Cinéma", "", 1989)),
        ("Death Note: Desu nôto (2006\u20132007)", ("Death Note: Desu nôto", "", 2006)),
        ("Fawlty Towers (1975-1979)", ("Fawlty Towers", "", 1975)),
        ("The Naked Truth (1957) (Your Past Is Showing)", ("The Naked Truth", "Your Past Is Showing", 1957)),
        ("Mona and the Time of Burning Love (Mona ja palavan rakkauden aika) (1983))",
         ("Mona and the Time of Burning Love", "Mona ja palavan rakkauden aika", 1983)),
        ("Babylon 5", ("Babylon 5", "", None)),
        ("2001: A Space Odyssey (1968)", ("2001: A Space Odyssey", "", 1968)),
        ("1984 (Nineteen Eighty-Four) (1984)", ("1984", "Nineteen Eighty-Four", 1984)),
    ],
)  # fmt: skip
def test_titles(text: str, expected: tuple[str, str, int | None]) -> None:
    assert parse_title(text) == Title(*expected)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=80))
def test_any_text_has_a_title(text: str) -> None:
    parsed = parse_title(text)
    assert bool(parsed.title) == bool(text.split())
    assert parsed.year is None or 1870 <= parsed.year <= 2200


names = st.text("abcdefg éß-'", min_size=1, max_size=20).map(lambda t: " ".join(t.split())).filter(bool)


@settings(max_examples=200, deadline=None)
@given(
    names,
    st.sampled_from(["The", "A", "L'", "Les", "Der", "El", ""]),
    st.one_of(st.none(), names),
    st.one_of(st.none(), st.integers(1870, 2200)),
)
def test_the_article_moves_to_the_front_of_a_title(
    name: str, article: str, foreign: str | None, year: int | None
) -> None:
    text = name + (f", {article}" if article else "") + (f" (x{foreign})" if foreign else "")
    parsed = parse_title(text + (f" ({year})" if year else ""))
    joined = article + name if article.endswith("'") else f"{article} {name}".strip()
    assert parsed == Title(joined, f"x{foreign}" if foreign else "", year)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(1, 2**31 - 1), st.sampled_from([1, 2]), st.integers(1, 10), st.integers(0, 4 * 10**9)),
        min_size=1,
    )
)
def test_valid_rows_are_read_unchanged(tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[int, ...]]) -> None:
    folder = tmp_path_factory.mktemp("rows")
    lines = [f"{user},{movie},{halves / 2},{time}" for user, movie, halves, time in rows]
    write(folder, CSV | {"ratings.csv": "\n".join(["userId,movieId,rating,timestamp", *lines])})
    read = events(folder)
    assert (
        list(zip(read["viewer"], read["movie"], (read["rating"] * 2).cast(int), read["occurred_at"], strict=True))
        == rows
    )


@settings(max_examples=150, deadline=None)
@given(st.text("0123456789,.-ex \r\x00\u00e9", max_size=30).filter(lambda line: line.strip()))
def test_any_row_is_read_or_its_line_is_named(tmp_path_factory: pytest.TempPathFactory, line: str) -> None:
    folder = write(tmp_path_factory.mktemp("row"), CSV | {"ratings.csv": f"{RATINGS}{line}\n7,1,1.0,5\n"})
    try:
        rows_or_line: int | None = events(folder).height
    except DataFileError as error:
        rows_or_line = error.line
    assert rows_or_line == 5  # all of them, or the fifth line of the file
