"""Every release of MovieLens, HetRec and MovieTweetings: recognised by its files, and imported by the command."""

import io
import zipfile
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from catalog.models import Credit, Movie, MovieTag, WatchEvent
from tests.support.releases import FILMS, RATINGS, WRITERS, Rating, write_100k, write_hetrec, write_release

pytestmark = pytest.mark.django_db


def run(path: Path, *options: str) -> str:
    out = io.StringIO()
    call_command("import_movielens", path, *options, stdout=out)
    return out.getvalue()


def refusal(path: Path) -> str:
    with pytest.raises(CommandError) as caught:
        run(path)
    assert not Movie.objects.exists()
    return str(caught.value)


def change(path: Path, old: str, new: str, encoding: str = "utf-8") -> None:
    text = path.read_bytes().decode(encoding)
    assert old in text
    path.write_bytes(text.replace(old, new).encode(encoding))


def ratings() -> list[tuple[int, int, float | None, int]]:
    rows = WatchEvent.objects.order_by("occurred_at").values_list("viewer_id", "movie_id", "rating", "occurred_at")
    return [(viewer, movie, rating, int(time.timestamp())) for viewer, movie, rating, time in rows]


@pytest.mark.parametrize("release", WRITERS)
def test_each_release_gives_the_same_films_and_ratings(tmp_path: Path, release: str) -> None:
    said = run(write_release(tmp_path / release, release))
    assert f"{release}: 4 films" in said
    assert "3 viewers, 5 ratings (5 new, 0 changed, 0 repeated)" in said
    films = dict(Movie.objects.values_list("id", "title"))
    assert films == {1: "Paper Moonrise", 2: "The Harbour of Glass", 25: "La Misère", 40: "No Year at All"}
    years = dict(Movie.objects.exclude(pk=40).values_list("id", "year"))
    assert years == {1: 1995, 2: 1988, 25: 1962}
    assert Movie.objects.get(pk=40).year == (1995 if release == "ml-100k" else None)  # of the release date
    assert sorted(Movie.objects.get(pk=1).genres.values_list("name", flat=True)) == ["Comedy", "Drama"]
    assert not Movie.objects.get(pk=40).genres.exists()
    assert ratings() == list(RATINGS)


@pytest.mark.parametrize("release", WRITERS)
def test_a_zip_with_folders_in_folders_is_the_same(tmp_path: Path, release: str) -> None:
    folder = write_release(tmp_path / release, release)
    archive = tmp_path / "download.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("download-master/README.md", "About the data.")
        for entry in folder.iterdir():
            file.write(entry, f"download-master/data/{release}/{entry.name}")
            file.writestr(f"__MACOSX/download-master/data/{release}/._{entry.name}", b"\0\5\26\7")
    assert f"{release}: 4 films" in run(archive)
    assert ratings() == list(RATINGS)
    assert "5 ratings (0 new, 0 changed, 0 repeated)" in run(folder)


@pytest.mark.parametrize(
    ("release", "said"),
    [
        ("ml-latest", "MovieLens in CSV"),
        ("ml-100k", "MovieLens 100K"),
        ("ml-1m", "MovieLens 1M or 10M"),
        ("hetrec2011", "HetRec 2011"),
        ("MovieTweetings", "MovieTweetings"),
    ],
)
def test_the_command_says_which_release_it_took_the_files_for(tmp_path: Path, release: str, said: str) -> None:
    assert f"data is {said}." in run(write_release(tmp_path / "data", release))


def test_hetrec_brings_people_ids_countries_and_tags(tmp_path: Path) -> None:
    run(write_release(tmp_path / "hetrec", "hetrec2011"))
    credits_ = Credit.objects.order_by("movie_id", "role", "order").values_list("movie_id", "role", "person__name")
    assert list(credits_) == [
        (1, Credit.Role.DIRECTOR, "Inès Okoro"),
        (1, Credit.Role.ACTOR, "Lena Hart"),
        (1, Credit.Role.ACTOR, "Sam Field"),
        (2, Credit.Role.DIRECTOR, "Bo Lund"),
        (2, Credit.Role.ACTOR, "Sam Field"),
        (25, Credit.Role.DIRECTOR, "Bo Lund"),
        (25, Credit.Role.ACTOR, "Zoë Ek"),
        (25, Credit.Role.ACTOR, "Lena Hart"),
    ]
    assert Movie.objects.get(pk=25).imdb_id == "tt0000025"
    assert list(Movie.objects.order_by("pk").values_list("countries", flat=True)) == [["US"], ["DE"], [], []]
    assert list(MovieTag.objects.values_list("movie_id", "tag__name", "count")) == [(1, "harbour", 2)]


def test_hetrec_counts_tags_by_movie_tags_where_there_is_no_file_by_viewer(tmp_path: Path) -> None:
    folder = write_release(tmp_path / "hetrec", "hetrec2011")
    (folder / "user_taggedmovies.dat").unlink()
    change(folder / "movie_tags.dat", "\t5\t2", "\t5\t31")
    run(folder)
    assert list(MovieTag.objects.values_list("tag__name", "count")) == [("harbour", 31)]


def test_movietweetings_films_are_those_of_imdb_and_zero_is_half_a_star(tmp_path: Path) -> None:
    folder = write_release(tmp_path / "mt", "MovieTweetings")
    # As its files are: ids of eight digits, a film that stands there twice, and nothing known of its kind.
    with (folder / "movies.dat").open("a") as movies:
        movies.write("10000106::The Long Key (2019)::\n25::Misère, La (1962)::Drama\n")
    with (folder / "ratings.dat").open("a") as file:
        file.write("9::10000106::0::1400000000\n9::0000002::9::1400000001\n")
    said = run(folder)
    assert "0 is half a star" in said
    assert dict(Movie.objects.values_list("id", "imdb_id")) == {
        1: "tt0000001", 2: "tt0000002", 25: "tt0000025", 40: "tt0000040", 10_000_106: "tt10000106"
    }  # fmt: skip
    assert ratings()[-2:] == [(9, 10_000_106, 0.5, 1_400_000_000), (9, 2, 4.5, 1_400_000_001)]


@pytest.mark.parametrize("change_of", ["no users", "items.dat", "no zeros"])
def test_movietweetings_is_told_apart_from_movielens(tmp_path: Path, change_of: str) -> None:
    folder = write_release(tmp_path / "mt", "MovieTweetings", ratings=[*RATINGS, Rating(9, 2, 5, 1_400_000_000)])
    (folder / "users.dat").unlink()
    if change_of == "items.dat":
        (folder / "movies.dat").rename(folder / "items.dat")
    if change_of == "no zeros":  # as after a spreadsheet
        for name in ("movies.dat", "ratings.dat"):
            text = (folder / name).read_text().replace("::00000", "::").replace("::0", "::")
            (folder / name).write_text("\n".join(line.lstrip("0") for line in text.split("\n")))
    run(folder)
    assert Movie.objects.get(pk=25).imdb_id == "tt0000025"
    assert ratings()[0][2] == 4


def test_100k_reads_the_film_that_nobody_knows_and_what_imdb_wrote_behind_years(tmp_path: Path) -> None:
    folder = write_release(tmp_path / "ml-100k", "ml-100k")
    with (folder / "u.item").open("a") as items:
        items.write(f"267|unknown||||1{'|0' * 18}\n")
        items.write(f"268|Paper Moonrise 2 (1996) (V)|01-Jan-1996|||0|1{'|0' * 17}\n")
    run(folder)
    films = {movie.pk: movie for movie in Movie.objects.all()}
    assert (films[267].title, films[267].year, films[267].genres.count()) == ("unknown", None, 0)
    assert (films[268].title, films[268].original_title, films[268].year) == ("Paper Moonrise 2", "", 1996)


@pytest.mark.parametrize(
    ("release", "lost", "words"),
    [
        ("ml-100k", "u.item", ["is MovieLens 100K by its u.data", "u.item has to stand beside"]),
        ("hetrec2011", "movies.dat", ["is HetRec 2011 by its user_ratedmovies", "movies.dat has to stand beside"]),
        ("ml-1m", "movies.dat", ["by its ratings.dat", "movies.dat has to stand beside"]),
        ("ml-latest", "movies.csv", ["by its ratings.csv", "movies.csv has to stand beside"]),
        ("kaggle", "movie.csv", ["by its rating.csv", "movie.csv has to stand beside"]),
    ],
)
def test_a_refusal_names_the_release_and_the_file_that_is_missing(
    tmp_path: Path, release: str, lost: str, words: list[str]
) -> None:
    folder = write_release(tmp_path / release, release)
    (folder / lost).unlink()
    said = refusal(tmp_path)
    assert all(word in said for word in words), said


@pytest.mark.parametrize(
    ("release", "lost"),
    [("ml-100k", ["u.data"]), ("hetrec2011", ["user_ratedmovies.dat", "user_ratedmovies-timestamps.dat"]),
     ("MovieTweetings", ["ratings.dat"])],
)  # fmt: skip
def test_without_ratings_the_films_come_and_it_is_said(tmp_path: Path, release: str, lost: list[str]) -> None:
    folder = write_release(tmp_path / release, release)
    for name in lost:
        (folder / name).unlink()
    said = run(folder)
    assert "There is no " in said
    assert lost[0] in said
    assert Movie.objects.count() == len(FILMS)


def test_several_sets_in_one_folder_are_named_and_none_is_taken(tmp_path: Path) -> None:
    for release in ("ml-100k", "ml-1m"):
        write_release(tmp_path / release, release)
    said = refusal(tmp_path)
    assert "holds several data sets: ml-100k, ml-1m; name the folder of one" in said
    write_100k(tmp_path, FILMS, RATINGS)  # the topmost is the one that was named
    assert "4 films" in run(tmp_path)


@pytest.mark.parametrize(
    ("release", "file", "old", "new", "words"),
    [
        ("ml-100k", "u.item", "|0|0\n", "|0\n", ["u.item, line 1: has 23 fields where 24 belong"]),
        ("ml-100k", "u.item", "|0|0\n", "|0|2\n", ["u.item, line 1", "not 0 and 1"]),
        ("ml-100k", "u.item", "25|", "2|", ["u.item, line 3: film 2 stands here a second time"]),
        ("ml-100k", "u.data", "9\t25\t1", "9\t26\t1", ["u.data, line 4: film 26 does not stand"]),
        ("ml-100k", "u.data", "9\t25\t1", "9\t25\t6", ["u.data, line 4: rating 6.0 is not among"]),
        ("ml-100k", "u.data", "9\t25\t1\t", "9\t25\t1", ["u.data, line 4: has 3 fields where 4 belong"]),
        ("hetrec2011", "movies.dat", "imdbID", "imdb", ["movies.dat, line 1: column imdbID is missing"]),
        ("hetrec2011", "movies.dat", "25\tMis", "25 Mis", ["movies.dat, line 4: movieId '25 Mis"]),
        ("hetrec2011", "movies.dat", "\t0000025", "\ttt25x", ["movies.dat, line 4: imdbId '25x'"]),
        ("hetrec2011", "movie_actors.dat", "\t1\n", "\tfirst\n", ["movie_actors.dat, line 3", "ranking 'first'"]),
        ("hetrec2011", "movie_actors.dat", "\tSam Field\t1", "", ["movie_actors.dat, line 4", "2 fields where 4"]),
        ("hetrec2011", "user_taggedmovies.dat", "9\t1\t5", "9\t1\t7", ["line 3: tag 7 does not stand in tags.dat"]),
        ("hetrec2011", "user_ratedmovies-timestamps.dat", "timestamp", "time", ["line 1: column timestamp is missing"]),
        ("hetrec2011-dates", "user_ratedmovies.dat", "\t29\t10\t2006\t23\t17", "\t31\t2\t2006\t23\t17",
         ["user_ratedmovies.dat, line 4", "is not userId, movieId, rating, date_day"]),
        ("MovieTweetings", "ratings.dat", "0000025::2::", "0000025::11::", ["ratings.dat, line 4: rating 11.0"]),
        ("MovieTweetings", "ratings.dat", "0000025::2::", "0000025::2.5::", ["rating 2.5 is not a whole number"]),
        ("MovieTweetings", "ratings.dat", "9::0000025::", "9::25::::", ["ratings.dat, line 4", "fields where 4"]),
        ("MovieTweetings", "movies.dat", "0000025::", "tt25::", ["movies.dat, line 3: movieId 'tt25'"]),
        ("MovieTweetings", "movies.dat", "::Film-Noir", "", ["movies.dat, line 3: is not movieId::title::genres"]),
        ("kaggle", "rating.csv", "2006-10-29 22:17", "2006-10-32 22:17", ["rating.csv, line 4"]),
        ("kaggle", "rating.csv", '"timestamp"', '"when"', ["rating.csv, line 1: column timestamp is missing"]),
    ],
)  # fmt: skip
def test_a_broken_row_names_its_file_line_and_reason(
    tmp_path: Path, release: str, file: str, old: str, new: str, words: list[str]
) -> None:
    folder = write_release(tmp_path / release, release)
    change(folder / file, old, new, "latin-1")
    said = refusal(folder)
    assert all(word in said for word in words), said


@pytest.mark.parametrize("release", ["ml-100k", "hetrec2011", "MovieTweetings", "ml-1m", "kaggle"])
def test_line_ends_of_windows_and_byte_order_marks_do_not_matter(tmp_path: Path, release: str) -> None:
    folder = write_release(tmp_path / release, release)
    for file in folder.iterdir():
        text = file.read_bytes().decode("utf-8" if release in ("MovieTweetings", "kaggle") else "latin-1")
        file.write_bytes(text.replace("\n", "\r\n").encode("utf-8-sig"))
    run(folder)
    assert dict(Movie.objects.values_list("id", "title"))[25] == "La Misère"
    assert ratings() == list(RATINGS)


def test_dashes_and_quotes_of_windows_are_read_as_they_were_meant(tmp_path: Path) -> None:
    folder = tmp_path / "hetrec"
    folder.mkdir()
    film = FILMS[0]._replace(title="Moon\u2019s \u201cPaper\u201d Fin\u00e9 (1995)")
    write_hetrec(folder, [FILMS[0]], RATINGS[1:2])
    change(folder / "movies.dat", "Paper Moonrise", "X", "latin-1")
    (folder / "movies.dat").write_bytes(
        (folder / "movies.dat").read_bytes().replace(b"X", film.title[:-7].encode("windows-1252"))
    )
    run(folder)
    assert Movie.objects.get(pk=1).title == "Moon\u2019s \u201cPaper\u201d Fin\u00e9"


def test_a_title_may_hold_what_separates_fields(tmp_path: Path) -> None:
    folder = write_release(tmp_path / "ml-1m", "ml-1m")
    change(folder / "movies.dat", "Paper Moonrise", "Paper::Moonrise", "latin-1")
    run(folder)
    assert Movie.objects.get(pk=1).title == "Paper::Moonrise"


def test_people_of_a_file_come_in_place_of_the_sets_own(tmp_path: Path) -> None:
    folder = write_release(tmp_path / "hetrec", "hetrec2011")
    people = tmp_path / "people.csv"
    people.write_text("movieId,imdbId,tmdbId,actors,directors,overview,poster_url\n2,2,,New Face,,A harbour.,\n")
    run(folder, "--people", str(people))
    names = Credit.objects.order_by("movie_id", "role", "order").values_list("movie_id", "person__name")
    assert [name for movie, name in names if movie == 2] == ["New Face"]
    assert len([name for movie, name in names if movie != 2]) == 6
