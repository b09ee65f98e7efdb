"""POST /users/{id}/history: archives and files as people have them, of Letterboxd and IMDb."""

import io

import pytest
from django.core.management import CommandError, call_command

from catalog.models import Movie
from tests.support.cast import (
    AMELIE,
    EMPIRE,
    EVE,
    GODFATHER,
    MATRIX,
    NEMO,
    PULP_FICTION,
    SHAWSHANK,
    SPIRITED_AWAY,
    STAR_WARS,
    TOY_STORY,
)
from tests.support.own_files import pack_zip, send_file, stored_events

pytestmark = pytest.mark.usefixtures("cast")
FILMS = "Date,Name,Year,Letterboxd URI\n"
LETTERBOXD = {
    "diary.csv": "Date,Name,Year,Letterboxd URI,Rating,Rewatch,Tags,Watched Date\n"
    "2021-01-05,Amélie,2001,https://boxd.it/a,4,,\"rain, paris\",2021-01-02\n"
    "2021-01-05,The Godfather,1972,https://boxd.it/b,4.5,,,2021-01-04\n"
    "2022-02-02,The Godfather,1972,https://boxd.it/c,5,Yes,,2022-02-01\n",
    "reviews.csv": "Date,Name,Year,Letterboxd URI,Rating,Rewatch,Review,Tags,Watched Date\n"
    "2021-01-05,Amélie,2001,https://boxd.it/a,4,,\"Two lines,\n\"\"both"" of them\",,2021-01-02\n",
    "watched.csv": FILMS + "2021-01-05,Amélie,2001,https://boxd.it/1\n2021-01-05,The Godfather,1972,https://boxd.it/2\n"
    "2020-06-01,Finding Nemo,2003,https://boxd.it/3\n",
    "ratings.csv": "Date,Name,Year,Letterboxd URI,Rating\n2021-01-06,Amélie,2001,https://boxd.it/1,4\n"
    "2022-02-02,The Godfather,1972,https://boxd.it/2,5\n2020-06-01,Finding Nemo,2003,https://boxd.it/3,3.5\n",
    "watchlist.csv": FILMS + "2022-05-01,Spirited Away,2001,https://boxd.it/4\n",
    "likes/films.csv": FILMS + "2021-01-07,Amélie,2001,https://boxd.it/1\n",
    "likes/reviews.csv": FILMS + "2021-01-07,Pulp Fiction,1994,https://boxd.it/9\n",
    "lists/best.csv": "Letterboxd list export v7\nDate,Name,Tags,URL,Description\n"
    "2020-01-01,Best,,https://boxd.it/5,\"In\nno order\"\n\nPosition,Name,Year,URL,Description\n"
    "1,The Matrix,1999,https://boxd.it/6,\n",
    "profile.csv": "Date Joined,Username,Given Name\n2019-01-01,eve,Eve\n",
    "comments.csv": "Date,Content\n2020-01-01,hello\n",
    "deleted/diary.csv": "Date,Name,Year,Letterboxd URI,Rating,Rewatch,Tags,Watched Date\n"
    "2020-01-01,Toy Story,1995,https://boxd.it/7,1,,,2020-01-01\n",
    "orphaned/diary.csv": "Date,Name,Year,Letterboxd URI,Rating,Rewatch,Tags,Watched Date\n"
    "2020-01-01,Star Wars,1977,https://boxd.it/8,1,,,2020-01-01\n",
}  # fmt: skip
OLD_IMDB = (
    '"position","const","created","modified","description","Title","Title type","Directors","You rated",'
    '"IMDb Rating","Runtime (mins)","Year","Genres","Num. Votes","Release Date (month/day/year)","URL"\n'
)


WHOLE = [
    (NEMO, "watch", "2020-06-01", None),
    (NEMO, "rating", "2020-06-01", 3.5),
    (AMELIE, "watch", "2021-01-02", None),
    (AMELIE, "rating", "2021-01-02", 4.0),
    (GODFATHER, "watch", "2021-01-04", None),
    (AMELIE, "like", "2021-01-07", None),
    (GODFATHER, "rating", "2022-02-01", 5.0),
    (GODFATHER, "rewatch", "2022-02-01", None),
    (SPIRITED_AWAY, "watchlist", "2022-05-01", None),
]


@pytest.mark.parametrize("folder", ["", "letterboxd-eve-2022-06-01/"])
def test_an_archive_of_letterboxd_is_one_history(site, folder):
    dry = send_file(site, pack_zip(LETTERBOXD, folder), "?dry_run=true")
    assert (dry["dry_run"], dry["stored"], stored_events()) == (True, len(WHOLE), [])
    report = send_file(site, pack_zip(LETTERBOXD, folder))
    assert stored_events() == WHOLE
    assert report | {"dry_run": True, "job_id": None} == dry
    assert report["events"] == {"like": 1, "rating": 3, "rewatch": 1, "watch": 3, "watchlist": 1}
    assert (report["source"], report["unmatched"]) == ("letterboxd", [])
    left_out = {file["name"].removeprefix(folder): file["left_out"] for file in report["files"] if file["left_out"]}
    assert {name: reason[:20] for name, reason in left_out.items()} == {
        "comments.csv": "says nothing of film",
        "deleted/diary.csv": "was deleted at its s",
        "likes/reviews.csv": "is about the words o",
        "lists/best.csv": "does not say what wa",
        "orphaned/diary.csv": "was deleted at its s",
        "profile.csv": "says nothing of film",
    }
    again = send_file(site, pack_zip(LETTERBOXD, folder))
    assert (again["stored"], again["duplicates"]) == (0, len(WHOLE))


def test_files_of_one_account_one_by_one_are_the_same_history(site):
    for name in ("diary.csv", "ratings.csv", "watched.csv", "watchlist.csv"):
        send_file(site, LETTERBOXD[name], name=name)
    send_file(site, LETTERBOXD["likes/films.csv"], "?kind=like")
    assert stored_events() == WHOLE


def test_a_list_says_by_its_caller_what_its_films_are(site):
    assert "send kind=watch|watchlist|like" in str(send_file(site, LETTERBOXD["lists/best.csv"], expect=400))
    assert send_file(site, "x", "?kind=rating", expect=400)["errors"][0]["parameter"] == "kind"
    send_file(site, LETTERBOXD["lists/best.csv"], "?kind=like")
    assert [event[:2] for event in stored_events()] == [(MATRIX, "like")]
    report = send_file(site, pack_zip(LETTERBOXD), "?kind=watchlist")
    assert (MATRIX, "watchlist") in [event[:2] for event in stored_events()]
    assert report["events"]["watchlist"] == 2


def test_letterboxds_import_format_of_converters(site):
    Movie.objects.filter(pk=STAR_WARS).update(imdb_id="tt0076759")
    Movie.objects.filter(pk=TOY_STORY).update(tmdb_id=862)
    text = (
        "imdbID,tmdbID,Title,Year,Directors,Rating,Rating10,WatchedDate,Rewatch,Tags,Review\r\n"
        'tt0076759,,Krieg der Sterne,1977,"George Lucas",,9,2020-01-01,false,"a, b","Over\r\ntwo lines"\r\n'
        ",862,,,,4.5,,2020-01-02,,,\r\n"
        ',,The Matrix,1999,"Lana Wachowski, Lilly Wachowski",,,2020-01-03,true,,\r\n'
        ",,Finding Nemo,2003,,,,,,,\r\n"
    )
    report = send_file(site, "\ufeff" + text)
    assert (report["source"], report["by_id"], report["by_title"]) == ("letterboxd", 2, 2)
    assert stored_events() == [
        (NEMO, "watch", "2003-01-01", None),  # without a date: of the film's year
        (STAR_WARS, "watch", "2020-01-01", None),
        (STAR_WARS, "rating", "2020-01-01", 4.5),
        (TOY_STORY, "watch", "2020-01-02", None),
        (TOY_STORY, "rating", "2020-01-02", 4.5),
        (MATRIX, "rewatch", "2020-01-03", None),
    ]
    site.delete(f"/users/{EVE}/events?all=true")
    send_file(site, text, "?kind=watchlist")
    assert (NEMO, "watchlist", "2003-01-01", None) in stored_events()


NEW_LIST = (
    "Position,Const,Created,Modified,Description,Title,Original Title,URL,Title Type,IMDb Rating,Runtime (mins),Year,"
    "Genres,Num Votes,Release Date,Directors,Your Rating,Date Rated\n"
    '1,tt0111161,2023-05-01,2023-05-01,,Die Verurteilten,The Shawshank Redemption,https://x,Film,9.3,142,1994,Drama,1,'
    '1994-09-22,Frank Darabont,10,2023-05-02\n'
    "2,tt0110912,2023-05-03,2023-05-03,,Pulp Fiction,Pulp Fiction,https://x,Film,8.9,154,1994,Crime,1,1994-05-21,,,\n"
    "3,tt0903747,2023-05-04,2023-05-04,,Breaking Bad,Breaking Bad,https://x,Fernsehserie,9.5,49,2008,Crime,1,2008,,,\n"
)  # fmt: skip


def test_a_list_of_imdb_in_german_goes_by_ids_before_types(site):
    Movie.objects.filter(pk=SHAWSHANK).update(imdb_id="tt0111161")
    Movie.objects.create(title="Breaking Bad", year=2008)
    report = send_file(site, NEW_LIST)
    assert stored_events() == [
        (SHAWSHANK, "rating", "2023-05-02", 5.0),
        (PULP_FICTION, "watchlist", "2023-05-03", None),
    ]
    assert [(row["line"], row["title"], row["reason"]) for row in report["unmatched"]] == [
        (4, "Breaking Bad", "is no film")
    ]
    Movie.objects.filter(title="Breaking Bad").update(imdb_id="tt0903747")
    assert send_file(site, NEW_LIST, "?kind=watch&dry_run=1")["events"] == {"rating": 1, "watch": 2}


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16", "utf-8-sig"])
def test_an_old_list_of_imdb_in_any_encoding(site, encoding):
    rows = (
        '"1","tt0211915","Sat Mar 12 00:00:00 2011","","","Amélie","Feature Film","Jean-Pierre Jeunet","9","8.3","122",'
        '"2001","comedy","1","2001-04-25","http://www.imdb.com/title/tt0211915/"\r\n'
        '"2","","Sun Mar 13 00:00:00 2011","","","Spirited Away","Feature Film","","","8.5","125","2001","animation",'
        '"1","2001-07-20","http://www.imdb.com/title/tt0245429/"\r\n'
    )
    Movie.objects.filter(pk=SPIRITED_AWAY).update(imdb_id="tt0245429")
    report = send_file(site, (OLD_IMDB + rows).encode(encoding), name="WATCHLIST.csv")
    assert (report["by_id"], report["by_title"]) == (1, 1)
    assert stored_events() == [(AMELIE, "rating", "2011-03-12", 4.5), (SPIRITED_AWAY, "watchlist", "2011-03-13", None)]


DATES = "Date;Name;Year;Letterboxd URI;Rating\n{}Finding Nemo;2003;x;4\n{}The Matrix;1999;x;3\n"


@pytest.mark.parametrize(
    ("first", "second", "days"),
    [
        ("03/04/2021", "13/04/2021", ["2021-04-03", "2021-04-13"]),
        ("03/04/2021", "04/13/2021", ["2021-03-04", "2021-04-13"]),
        ("3.4.21", "13.4.21", ["2021-04-03", "2021-04-13"]),
        ("3/4/21 20:15", "4/13/21 8:15 PM", ["2021-03-04", "2021-04-13"]),
        ("05/05/2021", "06/06/2021", ["2021-05-05", "2021-06-06"]),
        ("2021/04/03", "2021-04-13", ["2021-04-03", "2021-04-13"]),
        ("3. April 2021", "13 avril 2021", ["2021-04-03", "2021-04-13"]),
        ("April 3, 2021", "13-Apr-21", ["2021-04-03", "2021-04-13"]),
        ("21. 4. 3.", "21. 4. 13.", ["2021-04-03", "2021-04-13"]),
    ],
)
def test_the_order_of_dates_is_found_in_the_file(site, first, second, days):
    send_file(site, DATES.format(f"{first};", f"{second};"))
    assert [day for _, _, day, _ in stored_events()] == days


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("45305", "2024-01-14"),
        ("45305.84375", "2024-01-14"),
        ('"45305,84375"', "2024-01-14"),
        ("'2024-01-14", "2024-01-14"),
        ("'14/01/2024", "2024-01-14"),
    ],
)
def test_a_day_may_be_a_number_or_a_text_of_a_spreadsheet(site, written, day):
    send_file(site, f"Date,Name,Year,Letterboxd URI,Rating\n{written},Finding Nemo,2003,x,4\n")
    assert [(movie, kind, when) for movie, kind, when, _ in stored_events()] == [(NEMO, "rating", day)]


def test_a_file_whose_dates_may_mean_two_days_is_refused(site):
    text = DATES.format("05/05/2021;", "03/04/2021;")
    message = str(send_file(site, text, expect=400))
    assert "line 3: '03/04/2021' may be 3 April 2021 or 4 March 2021" in message
    assert "say date_order=dmy or date_order=mdy" in message
    send_file(site, text, "?date_order=mdy")
    assert [day for _, _, day, _ in stored_events()] == ["2021-03-04", "2021-05-05"]
    both = DATES.format("13/01/2021;", "01/31/2021;")
    assert "line 3: '01/31/2021' is written in another order" in str(send_file(site, both, expect=400))
    report = send_file(site, both, "?date_order=dmy&dry_run=true")
    assert [(row["line"], row["title"], row["reason"]) for row in report["unmatched"]] == [
        (3, "The Matrix", "'01/31/2021' is no date in this order")
    ]


def test_files_that_a_spreadsheet_saved_again(site):
    text = "sep=;\r\nDate;Name;Year;Letterboxd URI;Rating;;\r\n05.01.2021;Finding Nemo;2003,0;x;3,5;;\r\n;;;;;;\r\n"
    report = send_file(site, (text + "31.01.2021;Am\xe9lie;2001;x;4;;\r\n").encode("cp1252"))
    assert (report["rows"], report["unmatched"]) == (2, [])
    assert stored_events() == [(NEMO, "rating", "2021-01-05", 3.5), (AMELIE, "rating", "2021-01-31", 4.0)]


def test_archives_are_read_within_bounds(site):
    bomb = pack_zip({"diary.csv": b"0" * 20_000_000})
    assert "has more than 16,777,216 bytes" in str(send_file(site, bomb, expect=400))
    many = pack_zip({f"{n}.csv": b"\n" * 16_000_000 for n in range(5)})
    assert "unpacks to more than 67,108,864 bytes" in str(send_file(site, many, expect=400))
    assert "the limit is 5,000" in str(send_file(site, pack_zip({f"{n}.csv": "" for n in range(5_001)}), expect=400))
    assert "is a workbook" in str(send_file(site, pack_zip({"[Content_Types].xml": "", "xl/a.xml": ""}), expect=400))
    assert "without a file that is known" in str(send_file(site, pack_zip({"notes.txt": "hello"}), expect=400))
    broken = bytearray(pack_zip(LETTERBOXD))
    broken[60:80] = b"\0" * 20
    for body in (bytes(broken), pack_zip(LETTERBOXD)[:-30], b"PK\x03\x04"):
        assert "zip archive that cannot be read" in str(send_file(site, body, expect=400))
    assert stored_events() == []


def test_what_cannot_be_read_has_its_own_reason(site):
    text = FILMS + (
        "2121-01-01,The Matrix,1999,x\nyesterday,Finding Nemo,2003,x\n2021-01-01,,2001,x\n"
        "2021-01-01,Star Wars: Episode V - The Empire Strikes Back,1980,x\n2021-01-01,a,b\n"
    )
    report = send_file(site, text)
    assert [event[0] for event in stored_events()] == [EMPIRE]
    assert [(row["line"], row["title"], row["reason"][:42]) for row in report["unmatched"]] == [
        (2, "The Matrix", "2121-01-01 is no day on which somebody can"),
        (3, "Finding Nemo", "'yesterday' is no date"),
        (4, "", "has neither a title nor an id of a film"),
        (6, "", "has 3 cells where the columns are 4"),
    ]


def test_the_command_reads_the_same_and_stores_nothing_in_a_dry_run(tmp_path):
    (tmp_path / "export.zip").write_bytes(pack_zip(LETTERBOXD))
    (tmp_path / "watchlist.csv").write_text(DATES.format("05/05/2021;", "03/04/2021;").replace("Rating", "Tags"))
    out = io.StringIO()
    call_command("import_history", str(EVE), tmp_path / "export.zip", "--dry-run", stdout=out)
    assert "9 events would be stored" in out.getvalue()
    assert "It says: like 1, rating 3, rewatch 1, watch 3, watchlist 1" in out.getvalue()
    assert "lists/best.csv was left out: it does not say what was done with the film" in out.getvalue()
    assert stored_events() == []
    call_command("import_history", str(EVE), tmp_path / "export.zip", stdout=out)
    assert stored_events() == WHOLE
    with pytest.raises(CommandError, match="line 3: '03/04/2021' may be"):
        call_command("import_history", str(EVE), tmp_path / "watchlist.csv")
    call_command("import_history", str(EVE), tmp_path / "watchlist.csv", "--date-order", "mdy", stdout=out)
    assert (MATRIX, "watchlist", "2021-03-04", None) in stored_events()
