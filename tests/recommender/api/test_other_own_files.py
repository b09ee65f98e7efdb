"""POST /users/{id}/history: files of Trakt, Netflix, Prime Video, Plex, Jellyfin, Simkl and Movary."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog.models import Movie, WatchEvent
from tests.support.cast import (
    AMELIE,
    EMPIRE,
    EVE,
    GODFATHER,
    JEDI,
    MATRIX,
    NEMO,
    PULP_FICTION,
    RAIDERS,
    SPIRITED_AWAY,
    STAR_WARS,
    TOY_STORY,
)
from tests.support.own_files import pack_zip, send_file, stored_events

pytestmark = pytest.mark.usefixtures("cast")


@pytest.fixture(autouse=True)
def ids(db, cast):
    Movie.objects.filter(pk=STAR_WARS).update(imdb_id="tt0076759", tmdb_id=11)
    Movie.objects.filter(pk=MATRIX).update(imdb_id="tt0133093", tmdb_id=603)


def film(title, year, **numbers):
    return {"type": "movie", "movie": {"title": title, "year": year, "ids": {"trakt": 1, "slug": "x", **numbers}}}


def episode(number):
    return {
        "type": "episode",
        "watched_at": "2021-01-01T00:00:00.000Z",
        "episode": {"season": 1, "number": number, "title": f"Part {number}", "ids": {"tmdb": number}},
        "show": {"title": "The Matrix", "year": 1999, "ids": {"tmdb": 603}},
    }


TRAKT = {
    "watched-history-1.json": [
        film("The Matrix", 1999, imdb="tt0133093", tmdb=603) | {"id": 1, "watched_at": "2021-05-01T20:00:00.000Z"},
        film("The Matrix", 1999, imdb="tt0133093") | {"id": 2, "watched_at": "2020-05-01T20:00:00.000Z"},
        film("The Matrix", 1999, imdb="tt0133093") | {"id": 3, "watched_at": "2020-05-02T09:00:00.000Z"},  # went on
        *(episode(number) for number in range(30)),
    ],
    "watched-history-2.json": [film(None, None, tmdb=11) | {"id": 4, "watched_at": None}],
    "watched-movies.json": [
        film("The Matrix", 1999, imdb="tt0133093") | {"plays": 2, "last_watched_at": "2021-05-01T20:00:00.000Z"},
        film("Finding Nemo", 2003) | {"plays": 1, "last_watched_at": "2019-02-01T20:00:00.000Z"},
    ],
    "ratings-movies.json": [
        film("Finding Nemo", 2003) | {"rated_at": "2019-02-02T20:00:00.000Z", "rating": 7},
        film("Star Wars", 1977, tmdb=11) | {"rated_at": "2018-01-01T20:00:00.000Z", "rating": 10},
    ],
    "ratings-shows.json": [{"rated_at": "2019-02-02T20:00:00.000Z", "rating": 7, "type": "show", "show": {"ids": {}}}],
    "lists-watchlist.json": [film("Amélie", 2001) | {"rank": 1, "listed_at": "2022-01-01T20:00:00.000Z"}],
    "lists-favorites.json": [film("Pulp Fiction", 1994) | {"rank": 1, "listed_at": "2022-01-02T20:00:00.000Z"}],
    "lists-list-9-best.json": [film("The Godfather", 1972) | {"rank": 1, "listed_at": "2022-01-03T20:00:00.000Z"}],
    "collection-movies-1.json": [film("Spirited Away", 2001) | {"collected_at": "2022-01-04T20:00:00.000Z"}],
    "comments-movies.json": [film("Toy Story", 1995) | {"comment": {"comment": "well"}}],
    "hidden-dropped.json": [{"hidden_at": "2022-01-04T20:00:00.000Z", "type": "show", "show": {"ids": {}}}],
    "user-profile.json": {"username": "eve"},
}  # fmt: skip
WHOLE = [
    (STAR_WARS, "watch", "2018-01-01", None),  # without a date: that of its rating
    (STAR_WARS, "rating", "2018-01-01", 5.0),
    (NEMO, "watch", "2019-02-01", None),
    (NEMO, "rating", "2019-02-02", 3.5),
    (MATRIX, "watch", "2020-05-01", None),
    (MATRIX, "rewatch", "2021-05-01", None),
    (AMELIE, "watchlist", "2022-01-01", None),
    (PULP_FICTION, "like", "2022-01-02", None),
]


def test_an_archive_of_trakt_is_one_history(site):
    archive = pack_zip({name: json.dumps(items) for name, items in TRAKT.items()})
    report = send_file(site, archive)
    assert stored_events() == WHOLE
    assert (report["source"], report["other_rows"]) == ("trakt", 31)
    assert {row["reason"] for row in report["unmatched"]} == {"is no film"}
    assert {file["name"] for file in report["files"] if file["left_out"]} == {
        "collection-movies-1.json", "comments-movies.json", "hidden-dropped.json", "lists-list-9-best.json",
        "user-profile.json",
    }  # fmt: skip
    again = send_file(site, archive, "?kind=watchlist")
    assert again["events"]["watchlist"] == 3
    assert again["stored"] == 2
    assert {event[0] for event in stored_events()} >= {GODFATHER, SPIRITED_AWAY}


def test_episodes_do_not_count_against_the_limit(site):
    items = [*map(episode, range(60_000)), TRAKT["watched-history-2.json"][0]]
    report = send_file(site, json.dumps(items))
    assert (report["rows"], report["other_rows"], report["stored"]) == (60_001, 60_000, 1)
    assert len(report["unmatched"]) == 1_000
    many = json.dumps([TRAKT["watched-history-2.json"][0]] * 50_001)
    assert "has more than 50,000 rows of films" in str(send_file(site, many, expect=400))


def test_single_files_of_trakt(site):
    send_file(site, json.dumps(TRAKT["lists-watchlist.json"]))
    assert stored_events() == [(AMELIE, "watchlist", "2022-01-01", None)]
    collection = json.dumps(TRAKT["collection-movies-1.json"])
    assert "send kind=" in str(send_file(site, collection, expect=400))
    send_file(site, collection, "?kind=watch")
    assert (SPIRITED_AWAY, "watch", "2022-01-04", None) in stored_events()
    sync = {"movies": [{"title": "Toy Story", "year": 1995, "ids": {"trakt": 5}, "watched_at": "2020-01-01"}],
            "shows": [{"title": "Toy Story", "year": 1995, "ids": {}, "watched_at": "2020-01-02"}]}  # fmt: skip
    report = send_file(site, json.dumps(sync))
    assert (report["stored"], report["other_rows"]) == (1, 1)
    assert (TOY_STORY, "watch", "2020-01-01", None) in stored_events()


NETFLIX = """Title,Date
"The Matrix","3/14/21"
"Star Wars: Episode V - The Empire Strikes Back","3/2/21"
"Breaking Bad: Season 1: Pilot","3/1/21"
"Fargo: Staffel 2: Warten auf Dutch","3/1/21"
"Chernobyl: Limited Series: 1:23:45","3/1/21"
"Stranger Things: Stranger Things 3: Chapter One: Suzie","3/1/21"
"Finding Nemo","2/28/21"
"Finding Nemo","2/27/21"
"""


def test_netflix_names_films_by_title_alone(site):
    report = send_file(site, NETFLIX)
    assert stored_events() == [
        (NEMO, "watch", "2021-02-27", None),
        (EMPIRE, "watch", "2021-03-02", None),
        (MATRIX, "watch", "2021-03-14", None),
    ]
    assert (report["source"], report["other_rows"]) == ("netflix", 4)
    assert [row["line"] for row in report["unmatched"]] == [4, 5, 6, 7]


ACTIVITY = """Profile Name,Start Time,Duration,Attributes,Title,Supplemental Video Type,Device Type,Bookmark,Latest Bookmark,Country
Eve,2021-05-01 20:00:00,00:40:00,,Spirited Away,,TV,00:40:00,Not latest view,DE (Germany)
Eve,2021-05-01 22:00:00,01:20:00,,Spirited Away,,TV,02:00:00,02:00:00,DE (Germany)
Eve,2021-05-03 22:00:00,00:50:00,,The Godfather,,TV,00:50:00,00:50:00,DE (Germany)
Eve,2021-05-04 22:00:00,00:01:00,,Pulp Fiction,,TV,00:01:00,00:01:00,DE (Germany)
Eve,2021-05-05 22:00:00,00:00:30,,The Matrix,HOOK,TV,00:00:30,00:00:30,DE (Germany)
Kids,2021-05-06 22:00:00,01:40:00,,Finding Nemo,,TV,01:40:00,01:40:00,DE (Germany)
"""  # noqa: E501  # as it comes


def test_all_of_netflix_knows_how_much_was_watched_and_by_whom(site):
    message = str(send_file(site, ACTIVITY, expect=400))
    assert "has rows of several people, Eve, Kids: say whose are meant, as profile=Eve" in message
    assert "has no rows of Bob" in str(send_file(site, ACTIVITY, "?profile=Bob", expect=400))
    rated = (
        "Profile Name,Title Name,Rating Type,Star Value,Thumbs Value,Device Model,Event Utc Ts,Region View Date\n"
        "Eve,Raiders of the Lost Ark,thumb,,2,TV,2021-06-01 10:00:00,\n"
        "Eve,Toy Story,star,4,,TV,2021-06-02 10:00:00,\nKids,The Matrix,thumb,,1,TV,2021-06-02 10:00:00,\n"
    )
    listed = "Profile Name,Title Name,Country,Utc Title Add Date\nEve,Pulp Fiction,DE (Germany),2021-07-01\n"
    archive = pack_zip(
        {"CONTENT_INTERACTION/ViewingActivity.csv": ACTIVITY, "CONTENT_INTERACTION/Ratings.csv": rated,
         "CONTENT_INTERACTION/MyList.csv": listed, "DEVICES/Devices.csv": "Profile Name,Esn\nEve,1\n"}
    )  # fmt: skip
    report = send_file(site, archive, "?profile=Eve")
    assert stored_events() == [
        (SPIRITED_AWAY, "watch", "2021-05-01", None),
        (GODFATHER, "watch", "2021-05-03", None),
        (RAIDERS, "like", "2021-06-01", None),
        (TOY_STORY, "rating", "2021-06-02", 4.0),
        (PULP_FICTION, "watchlist", "2021-07-01", None),
    ]
    shares = dict(WatchEvent.objects.filter(viewer_id=EVE, kind=1).values_list("movie_id", "completion"))
    assert shares == {SPIRITED_AWAY: pytest.approx(0.96), GODFATHER: pytest.approx(0.29)}  # of 125 and 175 minutes
    assert [row["reason"] for row in report["unmatched"]] == ["was played for 60 seconds only", "is no film"]


@pytest.mark.parametrize(
    "names", ["Date Watched,Type,Title,Episode", "Datum angesehen,Typ,Titel,Folge", "Fecha vista,Tipo,Título,Episodio"]
)
def test_prime_video(site, names):
    rows = (
        '2021-05-01,Movie,"The Godfather",\n2021-05-02,Movie,"Amélie [dt./OV]",\n'
        '2021-05-03,Series,"The Matrix","Episode 1"\n2021-05-04,Movie,"The Boys - Season 2",\n'
    )
    report = send_file(site, f"{names}\n{rows}")
    assert stored_events() == [(GODFATHER, "watch", "2021-05-01", None), (AMELIE, "watch", "2021-05-02", None)]
    assert (report["source"], report["other_rows"]) == ("prime_video", 2)
    amazon = "Playback Hour,Title,Marketplace\n2021-06-01 20:00:00 UTC,Return of the Jedi: Season 1,Amazon.de\n"
    assert send_file(site, amazon + "2021-06-02 20:00:00 UTC,Pulp Fiction (4K UHD),Amazon.de\n")["stored"] == 1


def tautulli(title, year, **values):
    play = {"date": 1619900000, "friendly_name": "Eve", "media_type": "movie", "watched_status": 1}
    return play | {"full_title": title, "title": title, "year": year, "percent_complete": 97} | values


PLAYS = (
    '"Is Deleted","Material Type Description","Playback Start Datetime (UTC)","Seconds Viewed","Title"\n'
    '"No","Feature","2024-03-14T20:00:00Z","3600.5","""The Matrix"""\n'
    '"No","Feature","2024-03-14T21:30:00Z","4500","""The Matrix"""\n'
    '"No","Full","2024-03-15T20:00:00Z","2400","""Pilot-Lost - Season 1"""\n'
    '"No","Trailer","2024-03-15T20:00:00Z","200","""Finding Nemo"""\n'
    '"Yes","Feature","2024-03-16T20:00:00Z","6000","""Amélie"""\n'
    '"No","Feature","2024-03-17T20:00:00Z","3.00000","""Toy Story"""\n'
    '"No","Feature","2024-03-18T20:00:00Z","6000","""Not Available"""\n'
    '"No","Not Available","2024-03-19T20:00:00Z","Not Available","""Finding Nemo (4K UHD)"""\n'
)


def test_what_amazon_keeps_of_prime_video(site):
    folder = "Your Prime Video Viewing Activity"
    files = {
        f"{folder}/Viewing History.csv": PLAYS,
        f"{folder}/Watch Events.csv": '"Deleted from Watch History","Most Recent Watch Date","Seconds Watched",'
        '"Title Description","Title Name"\n"No","2024-03-15T21:00:00Z","2400","An episode","Star Wars"\n',
        f"{folder}/Promotional Trailers Viewed.csv": '"Promoting Titles or Services","Trailer Watch Date"\n"Up",""\n',
    }
    report = send_file(site, pack_zip(files))
    assert (report["source"], report["by_title"], report["other_rows"]) == ("prime_video", 3, 2)
    assert stored_events() == [(MATRIX, "watch", "2024-03-14", None), (NEMO, "watch", "2024-03-19", None)]
    assert WatchEvent.objects.get(viewer_id=EVE, movie_id=MATRIX).completion == pytest.approx(0.99, abs=0.02)
    reasons = {row["line"]: row["reason"] for row in report["unmatched"]}
    assert (reasons[6], reasons[7]) == ("was deleted at its site", "was played for 3 seconds only")
    assert reasons[8] == "has neither a title nor an id of a film"
    one_second = PLAYS.splitlines()[0] + '\n"No","Feature","2024-03-14T20:00:00Z","1.2","""Amélie"""\n'
    assert send_file(site, one_second)["unmatched"][0]["reason"] == "was played for 1 second only"


@pytest.mark.parametrize(
    ("title", "film"),
    [
        ("Star Wars: Episode VI: Return of the Jedi", JEDI),
        ("Return of the Jedi: Part One: The Beginning", None),  # a film that the catalogue lacks, and no episode
        ("Return of the Jedi: Part 1: The Beginning", "is no film"),
        ("Return of the Jedi: Chapter One: The Beginning", "is no film"),
        ("Return of the Jedi: Season 1: Part One: The Beginning", "is no film"),
    ],
)
def test_a_part_of_a_film_is_no_episode(site, title, film):
    report = send_file(site, f'Title,Date\n"{title}","3/14/24"\n')
    if film == JEDI:
        assert stored_events() == [(JEDI, "watch", "2024-03-14", None)]
    else:
        assert (report["unmatched"][0]["reason"] == "is no film") == (film is not None)


def test_columns_of_imdb_in_words_that_are_not_known_are_refused(site):
    """Its ratings would come in as a watchlist without dates."""
    table = "Const;Ihre Bewertung;Bewertungsdatum;Titel;URL;Titeltyp;Jahr\ntt0133093;8;2012-05-06;Matrix;x;Film;1999\n"
    assert "is no export that is known" in str(send_file(site, table, expect=400))
    assert stored_events() == []


def test_plex_by_tautulli(site):
    plays = [
        tautulli("The Godfather", 1972),
        tautulli("Renamed", 1999, guid="com.plexapp.agents.imdb://tt0133093?lang=en"),
        tautulli("Pulp Fiction", 1994, watched_status=0, percent_complete=40),
        tautulli("Amélie", 2001, watched_status=0, percent_complete=1),
        tautulli("The Wire - Pilot", 2002, media_type="episode"),
    ]
    report = send_file(site, json.dumps({"response": {"result": "success", "data": {"data": plays}}}))
    assert (report["source"], report["by_id"], report["by_title"], report["other_rows"]) == ("plex", 1, 2, 1)
    assert {event[0] for event in stored_events()} == {GODFATHER, MATRIX, PULP_FICTION}
    assert WatchEvent.objects.get(viewer_id=EVE, movie_id=PULP_FICTION).completion == pytest.approx(0.4)
    table = "date,friendly_name,media_type,full_title,year,percent_complete,watched_status\n"
    row = "1619900000,Eve,movie,Finding Nemo,2003,97,1\n"
    assert send_file(site, table + row)["stored"] == 1
    both = table + row + row.replace("Eve", "Bob")
    assert "several people, Bob, Eve" in str(send_file(site, both, expect=400))


def test_a_plex_server(site):
    history = {"MediaContainer": {"size": 2, "Metadata": [
        {"type": "movie", "title": "The Matrix", "viewedAt": 1619900000, "originallyAvailableAt": "1999-03-31",
         "accountID": 1, "Guid": [{"id": "imdb://tt0133093"}, {"id": "tmdb://603"}], "userRating": 9.0},
        {"type": "episode", "title": "Pilot", "viewedAt": 1619900000, "accountID": 1},
    ]}}  # fmt: skip
    assert send_file(site, json.dumps(history))["by_id"] == 1
    assert stored_events() == [(MATRIX, "watch", "2021-05-01", None), (MATRIX, "rating", "2021-05-01", 4.5)]


def test_jellyfin(site):
    rows = [
        ("2021-05-01 20:00:00.1234567", "eve", "1", "Movie", "The Matrix", "DirectPlay", "Web", "TV", "7200"),
        ("2021-05-02 20:00:00.1234567", "eve", "2", "Episode", "Lost - s01e01", "DirectPlay", "Web", "TV", "9"),
        (
            "2021-05-03 20:00:00.1234567",
            "eve",
            "3",
            "Movie",
            "Finding Nemo",
            "Transcode",
            "Web",
            "TV",
            "1800",
        ),
    ]
    backup = "".join("\t".join(row) + "\n" for row in rows)
    report = send_file(site, backup)
    assert (report["source"], report["rows"], report["other_rows"]) == ("jellyfin", 3, 1)
    assert stored_events() == [(MATRIX, "watch", "2021-05-01", None), (NEMO, "watch", "2021-05-03", None)]
    assert WatchEvent.objects.get(viewer_id=EVE, movie_id=NEMO).completion == pytest.approx(0.3)  # of 100 minutes
    items = {"Items": [
        {"Name": "Krieg der Sterne", "OriginalTitle": "Star Wars", "Type": "Movie", "ProductionYear": 1977,
         "ProviderIds": {"Imdb": "tt0076759", "Tmdb": "11"},
         "UserData": {"Played": True, "LastPlayedDate": "2020-01-01T20:00:00.0000000Z", "IsFavorite": True}},
        {"Name": "Amélie", "Type": "Movie", "ProductionYear": 2001, "UserData": {"Played": False}},
        {"Name": "Lost", "Type": "Series", "UserData": {"Played": True}},
    ], "TotalRecordCount": 3}  # fmt: skip
    report = send_file(site, json.dumps(items))
    assert stored_events()[:2] == [(STAR_WARS, "watch", "2020-01-01", None), (STAR_WARS, "like", "2020-01-01", None)]
    assert [row["reason"] for row in report["unmatched"]] == ["was neither watched nor liked", "is no film"]


def test_simkl(site):
    backup = {
        "movies": [
            {"status": "completed", "last_watched_at": "2021-05-01T20:00:00Z", "user_rating": 8,
             "user_rated_at": "2021-05-02T20:00:00Z", "added_to_watchlist_at": "2021-01-01T20:00:00Z",
             "movie": {"title": "Star Wars", "year": 1977, "ids": {"simkl": 1, "imdb": "tt0076759", "tmdb": "11"}}},
            {"status": "plantowatch", "last_watched_at": None, "user_rating": None,
             "added_to_watchlist_at": "2021-01-01T20:00:00Z", "movie": {"title": "Amélie", "year": 2001, "ids": {}}},
            {"status": "dropped", "last_watched_at": None, "movie": {"title": "Toy Story", "year": 1995, "ids": {}}},
        ],
        "shows": [{"status": "completed", "last_watched_at": "2021-05-01T20:00:00Z", "show": {"title": "Lost"}}],
        "anime": [{"status": "completed", "anime_type": "movie", "last_watched_at": "2021-06-01T20:00:00Z",
                   "show": {"title": "Spirited Away", "year": 2001, "ids": {}}}],
    }  # fmt: skip
    report = send_file(site, json.dumps(backup))
    whole = [
        (AMELIE, "watchlist", "2021-01-01", None),
        (STAR_WARS, "watch", "2021-05-01", None),
        (STAR_WARS, "rating", "2021-05-02", 4.0),
        (SPIRITED_AWAY, "watch", "2021-06-01", None),
    ]
    assert stored_events() == whole
    assert (report["source"], report["other_rows"]) == ("simkl", 1)
    assert "neither that the film was watched" in report["unmatched"][0]["reason"]
    table = (
        "SIMKL_ID,Title,Type,Year,Watchlist,LastEpWatched,WatchedDate,Rating,Memo,TVDB,TMDB,IMDB\n"
        '1,"The Matrix",movie,1999,completed,,2021-07-01 20:00:00,9,,,603,tt0133093\n'
        '2,Lost,tv,2004,watching,s1e2,,,,,,\n3,"Pulp Fiction",movie,1994,plantowatch,,,,,,,\n'
    )
    send_file(site, table)
    assert [event for event in stored_events() if event not in whole] == [
        (PULP_FICTION, "watchlist", "1994-01-01", None),
        (MATRIX, "watch", "2021-07-01", None),
        (MATRIX, "rating", "2021-07-01", 4.5),
    ]


def test_movary(site):
    history = (
        "title,year,tmdbId,imdbId,watchedAt,comment\nX,1977,11,tt0076759,2021-05-01,well\n"
        '"Return of the Jedi",1983,,,2021-05-02,\n"Return of the Jedi",1983,,,2022-05-02,\n'
    )
    assert send_file(site, history)["source"] == "movary"
    send_file(site, "title,year,tmdbId,imdbId,userRating\nStar Wars,1977,11,tt0076759,7\n")
    send_file(site, "title,year,tmdbId,imdbId,addedAt\nThe Matrix,603,tt0133093,2022-01-01\n")  # lacks the year
    assert stored_events() == [
        (STAR_WARS, "watch", "2021-05-01", None),
        (STAR_WARS, "rating", "2021-05-01", 3.5),  # without a date: that of the watch
        (JEDI, "watch", "2021-05-02", None),
        (MATRIX, "watchlist", "2022-01-01", None),
        (JEDI, "rewatch", "2022-05-02", None),
    ]


HEADERS = (
    "Const,Your Rating,Date Rated,Title,Title Type,Year",
    "Date,Name,Year,Letterboxd URI,Rating,Rewatch,Tags,Watched Date",
    "imdbID,tmdbID,Title,Year,Directors,Rating10,WatchedDate",
    "Profile Name,Start Time,Duration,Title,Supplemental Video Type",
    "date,friendly_name,media_type,full_title,year,percent_complete,watched_status",
    "SIMKL_ID,Title,Type,Year,Watchlist,WatchedDate,Rating,TMDB,IMDB",
    "Title,Playback Start Datetime (UTC),Seconds Viewed,Material Type Description,Is Deleted",
    "title,year,tmdbId,imdbId,watchedAt",
)
CELL = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        ["", "2021-05-01", "03/04/2021", "99/99/99", "tt0133093", "603", "nan", "1e999", "movie", "1:00:00"]
    ),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(HEADERS), st.lists(st.lists(CELL, min_size=5, max_size=9), max_size=4))
def test_any_table_is_read_or_refused_with_the_reason(site, header, rows):
    lines = [",".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in rows]
    body = "\n".join([header, *lines]).encode(errors="replace")
    response = site.client.post(f"/users/{EVE}/history?dry_run=true", body, content_type="text/csv")
    report = response.json()
    assert response.status_code in (200, 400), report
    if response.status_code == 200:
        assert report["by_id"] + report["by_title"] + len(report["unmatched"]) == report["rows"]
