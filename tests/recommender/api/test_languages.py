"""Titles, overviews and genre names in the language that a call, its Accept-Language or its viewer wishes."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.models import Credit, Genre, GenreTranslation, MovieTranslation, Person, Viewer
from catalog.names.genres import BUILTIN_LANGUAGES
from catalog.names.languages import LanguageWish, canonical_tag, language_chain, parse_accept_language
from catalog.services import record_events, save_record, save_viewer
from recommender.serving.wording.texts import LANGUAGES
from recommender.serving.wording.translations import TRANSLATIONS
from tests.support.cast import (
    ADA,
    BEN,
    EMPIRE,
    JEDI,
    MORNING,
    NEMO,
    RAIDERS,
    SPIRITED_AWAY,
    STAR_WARS,
    TOY_STORY,
    watch_event,
)
from tests.support.exchange import export_lines, import_file
from tests.support.forms import admin_url, submit

GERMAN, FRENCH = "Findet Nemo", "Le Monde de Nemo"


@pytest.fixture
def translated(model):
    save_record(MovieTranslation(movie_id=NEMO, language="de", title=GERMAN, overview="Ein Fisch sucht."))
    save_record(MovieTranslation(movie_id=NEMO, language="fr-CA", title=FRENCH))
    save_record(MovieTranslation(movie_id=TOY_STORY, language="de", overview="Spielzeug lebt."))
    save_record(GenreTranslation(genre=Genre.objects.get(name="Children"), language="de", name="Kinderfilm"))


def nemo(body):
    """The film of a list, a page or an answer about it."""
    films = body.get("recommendations") or body.get("results") or body.get("similar") or [body]
    rows = [film for row in body["rows"] for film in row["films"]] if "rows" in body else films
    return next(film for film in rows if film["movie_id"] == str(NEMO))


CALLS = [
    ("get", f"/recommend?user_id={ADA}&top_k=200&titles=true", None),
    ("get", f"/recommend?user_id={ADA}&top_k=200&titles=true&details=true", None),
    ("get", "/popular?top_k=200&titles=true", None),
    ("get", "/latest?top_k=200&titles=true", None),
    ("get", "/home?rows=20&row_length=50", None),
    ("get", "/movies?page_size=1000", None),
    ("get", "/movies?page_size=1000&sort=title", None),
    ("get", f"/movies?ids={NEMO}", None),
    ("get", "/movies?search=nemo", None),
    ("get", f"/movies/{NEMO}", None),
    ("get", f"/similar/{TOY_STORY}?top_k=200&titles=true", None),
    ("post", "/recommend", {"user_id": ADA, "top_k": 200, "titles": True}),
    ("post", "/recommend/filtered", {"user_id": ADA, "final_k": 200}),
    ("post", "/similar", {"movie_id": str(TOY_STORY), "top_k": 200, "titles": True}),
]


def test_every_call_that_shows_titles_shows_them_in_the_language(api, translated):
    for method, path, body in CALLS:
        plain = nemo(api.get(path) if method == "get" else api.post(path, body))
        assert plain["title"] == "Finding Nemo", path
        mark = "&" if "?" in path else "?"
        named = (
            api.get(f"{path}{mark}language=de-AT") if method == "get" else api.post(path, {**body, "language": "de-AT"})
        )
        language = api.response.headers["Content-Language"]
        accept = {"headers": {"Accept-Language": "de-AT,en;q=0.5"}}
        accepted = api.get(path, **accept) if method == "get" else api.post(path, body, **accept)
        for answer in (named, accepted):
            film = nemo(answer)
            assert film["title"] == GERMAN, (method, path)
            assert film["genres"] == ["Abenteuer", "Animation", "Kinderfilm", "Komödie"], (method, path)
        assert (language, api.response.headers["Content-Language"]) == ("de", "de"), path
        if method == "get":
            assert "Accept-Language" in api.response.headers["Vary"]
            assert "Authorization" in api.response.headers["Vary"]
    assert nemo(api.get(f"/movies/{NEMO}?language=de"))["overview"] == "Ein Fisch sucht."
    details = api.get("/popular?top_k=200&titles=true&details=true&language=de")["recommendations"]
    assert next(film for film in details if film["movie_id"] == str(TOY_STORY))["overview"] == "Spielzeug lebt."
    assert "Abenteuer" in {genre["name"] for genre in api.get("/genres?language=de")["results"]}


def test_a_client_that_says_nothing_gets_what_it_got_before(api, translated):
    for header in ("", "*", "en-US,en;q=0.9", "en;q=0.8,de;q=0.7", "xx", "de;q=0", "ja,zh;q=0.5"):
        answer = api.get("/popular?top_k=200&titles=true", headers={"Accept-Language": header})
        film = nemo(answer)
        assert (film["title"], film["genres"][0]) == ("Finding Nemo", "Adventure"), header
        assert (answer["language"], api.response.headers["Content-Language"]) == ("en", "en")


def test_the_way_back_to_the_first_title(api, translated):
    def title(language):
        return nemo(api.get(f"/popular?top_k=200&titles=true&language={language}"))["title"]

    assert [title(tag) for tag in ("de", "DE-at", "de-CH", "fr-CA", "fr", "fr-FR")] == [GERMAN] * 3 + [FRENCH] * 3
    assert [title(tag) for tag in ("en", "nl", "ja")] == ["Finding Nemo"] * 3
    others = api.get("/popular?top_k=200&titles=true&language=de")["recommendations"]
    assert next(film for film in others if film["movie_id"] == str(STAR_WARS))["title"].startswith("Star Wars")
    header = {"headers": {"Accept-Language": "nl, fr;q=0.9, de;q=0.95"}}
    assert nemo(api.get("/popular?top_k=200&titles=true", **header))["title"] == GERMAN
    api.get("/popular?language=german", expect=400)
    api.post("/recommend", {"user_id": ADA, "language": 5}, expect=400)


def test_the_viewers_own_language_counts_where_the_call_wishes_none(api, translated, django_assert_num_queries):
    viewer = Viewer.objects.get(pk=ADA)
    viewer.language = "de"
    save_viewer(viewer)
    path = f"/recommend?user_id={ADA}&top_k=50&titles=true"
    assert nemo(api.get(path))["title"] == GERMAN
    with django_assert_num_queries(1):  # the titles
        stored = api.get(path)
    assert (stored["source"], nemo(stored)["title"]) == ("cache", GERMAN)
    with django_assert_num_queries(0):
        assert "language" not in api.get(f"/recommend?user_id={ADA}&top_k=50&language=fr")
    assert nemo(api.get(f"{path}&language=fr"))["title"] == FRENCH
    assert nemo(api.get(path, headers={"Accept-Language": "fr"}))["title"] == FRENCH
    assert nemo(api.get(f"/movies?page_size=1000&user_id={ADA}"))["title"] == GERMAN
    assert nemo(api.get(f"/home?user_id={ADA}&rows=20&row_length=50"))["title"] == GERMAN


# The rows of a home page ---------------------------------------------------------------------------------------------


def home_rows(api, language, **headers):
    path = f"/home?user_id={ADA}&rows=20&row_length=4" + (f"&language={language}" if language else "")
    return {row["kind"]: row for row in api.get(path, headers=headers)["rows"]}


def test_rows_are_called_in_the_language_with_the_films_and_genres_in_it(api, translated):
    english = home_rows(api, "")
    watched = english["because_you_watched"]["about"]
    save_record(MovieTranslation(movie_id=int(watched), language="de", title="Der Lieblingsfilm"))
    german = home_rows(api, "de-AT")

    assert {kind: row["about"] for kind, row in english.items()} == {k: row["about"] for k, row in german.items()}
    assert all(german[kind]["title"] != row["title"] for kind, row in english.items())
    assert all(german[kind]["reason"] != row["reason"] for kind, row in english.items())
    assert german["top_picks"]["title"] == "Für dich ausgewählt"
    about_film = [row for row in api.get(f"/home?user_id={ADA}&rows=20&language=de")["rows"] if row["about"] == watched]
    assert [row["title"] for row in about_film] == ["Weil du „Der Lieblingsfilm“ gesehen hast"]
    genres = [row for row in api.get(f"/home?user_id={ADA}&rows=20&language=fr")["rows"] if row["kind"] == "genre"]
    assert {row["about"]: row["title"] for row in genres}["Sci-Fi"] == "D'autres films du genre Science-fiction"
    assert home_rows(api, "", **{"Accept-Language": "fr-CA, en;q=0.3"})["popular"]["title"] == "Populaires"
    assert home_rows(api, "ja")["popular"]["title"] == home_rows(api, "en-GB")["popular"]["title"] == "Popular"


def test_rows_follow_the_language_of_a_viewer_and_of_a_site(api, model, settings):
    viewer = Viewer.objects.get(pk=ADA)
    viewer.language = "pt-BR"
    save_viewer(viewer)
    assert home_rows(api, "")["popular"]["reason"] == "O que todo mundo assiste."
    assert home_rows(api, "", **{"Accept-Language": "en"})["popular"]["title"] == "Popular"
    settings.TITLE_LANGUAGE = "de"
    assert api.get("/home")["rows"][0]["title"] in ("Beliebt", "Im Trend")
    assert api.get("/home?language=en")["rows"][0]["title"] in ("Popular", "Trending now")


@pytest.mark.parametrize("text", TRANSLATIONS)
def test_a_text_names_the_same_in_every_language(text):
    def names(words):
        return sorted(re.findall(r"{(.*?)}", words))

    translations = TRANSLATIONS[text]
    assert set(translations) == set(BUILTIN_LANGUAGES) == set(LANGUAGES) - {"en"}
    assert all(names(words) == names(text) and words != text for words in translations.values())


def test_why_a_list_is_empty_is_told_in_the_language(api, translated):
    said = {
        "?min_year=2100&language=de": "Kein Film passt zu min_year: ändere diesen Filter oder lass ihn weg.",
        "?genres=No+Such&language=fr": "Le catalogue ne contient aucun élément de genres\N{NO-BREAK SPACE}: No Such.",
        "?min_year=2001&max_year=2000&language=pt-BR": "min_year 2001 é maior que max_year 2000.",
        "?min_year=2100&language=ja": "No film matches min_year: change this filter or leave it out.",
    }
    for query, reason in said.items():
        assert api.get(f"/popular{query}")["reason"] == reason
        assert api.get(f"/home{query}")["reason"] == reason
    reason = api.get("/popular?genres={x}&language=de")["reason"]
    assert "{x}" in reason, "a name is no template"


def test_what_a_viewer_likes_is_told_in_the_language(site, translated):
    path = f"/users/{ADA}/taste"
    told = site.get(path, HTTP_ACCEPT_LANGUAGE="de")
    german = told["sentences"]
    names = {genre["name"] for genre in told["genres"]}
    assert "Abenteuer" in names
    assert "Adventure" not in names
    assert "Adventure" in {genre["name"] for genre in site.get(path)["genres"]}
    assert "Mag Filme mit Harrison Ford: 4 davon." in german
    assert any(re.match(r"Schaut mehr Action als andere: 83\N{NO-BREAK SPACE}% der Filme", one) for one in german)
    assert site.get(path, HTTP_ACCEPT_LANGUAGE="fr-CA, en;q=0.5")["sentences"][-1].count("Harrison Ford") <= 1
    assert "Likes films with Harrison Ford: 4 of them." in site.get(path)["sentences"]
    viewer = Viewer.objects.get(pk=ADA)
    viewer.language = "it"
    save_viewer(viewer)
    assert "Ama i film con Harrison Ford: 4." in site.get(path)["sentences"]
    assert "Mag Filme mit Harrison Ford: 4 davon." in site.get(f"{path}?language=de")["sentences"]
    assert "Likes films with Harrison Ford: 4 of them." in site.get(path, HTTP_ACCEPT_LANGUAGE="en")["sentences"]


# Explanations --------------------------------------------------------------------------------------------------------


def explained(api, call, **more):
    history = {"history": [str(STAR_WARS), str(EMPIRE)], "top_k": 100, "explain": True}
    body = api.post(call, history | more)
    return body, {movie["movie_id"]: movie for movie in body["recommendations"]}


def test_explanations_are_told_in_the_language(api, translated):
    save_record(MovieTranslation(movie_id=STAR_WARS, language="de", title="Krieg der Sterne"))
    save_record(MovieTranslation(movie_id=EMPIRE, language="de", title="Das Imperium schlägt zurück"))
    for titles in (False, True):  # what is listed need not have titles
        body, films = explained(api, "/recommend", language="de", titles=titles)
        german = {"Krieg der Sterne", "Das Imperium schlägt zurück"}
        assert body["language"] == "de"
        assert {cause["title"] for film in films.values() for cause in film["because"]} == german
        assert films[str(RAIDERS)]["fact"] in {f"Mit Harrison Ford, wie in „{title}“." for title in german}
        assert films[str(JEDI)]["fact"] in {f"Aus derselben Reihe wie „{title}“." for title in german}
        assert ("title" in films[str(JEDI)]) == titles
    films = explained(api, "/recommend", language="ja")[1]
    assert films[str(RAIDERS)]["fact"].startswith("With Harrison Ford, like ")
    names = {film["fact"] for film in explained(api, "/recommend", language="es")[1].values()}
    assert any(re.search(r"^Acción y Ciencia ficción, como «Star Wars", fact) for fact in names), names


def test_what_is_common_to_a_history_and_to_a_group_is_told_in_the_language(api, translated):
    director, actor = Person.objects.create(name="Agnès Une"), Person.objects.create(name="Irène Souvent")
    for movie in (STAR_WARS, SPIRITED_AWAY):
        Credit.objects.filter(movie_id=movie, role=Credit.Role.DIRECTOR).delete()
        Credit.objects.create(movie_id=movie, person=director, role=Credit.Role.DIRECTOR)
    for movie in (STAR_WARS, NEMO):
        Credit.objects.create(movie_id=movie, person=actor, role=Credit.Role.ACTOR, order=9)
    save_record(director)
    films = explained(api, "/recommend", history=[str(STAR_WARS)], language="fr")[1]  # one film raises no score
    assert films[str(SPIRITED_AWAY)]["fact"] == "Réalisé par Agnès Une, comme un film que vous avez vu."

    record_events([watch_event(viewer, STAR_WARS, MORNING) for viewer in (ADA, BEN)])
    asked = {"user_ids": [ADA, BEN], "top_k": 100, "explain": True, "language": "fr"}
    films = {movie["movie_id"]: movie for movie in api.post("/recommend", asked)["recommendations"]}
    assert films[str(SPIRITED_AWAY)]["fact"] in (
        "Réalisé par Agnès Une, comme des films que vous avez tous vus.",
        "Réalisé par Agnès Une, comme «\N{NO-BREAK SPACE}Star Wars: Episode IV - A New Hope\N{NO-BREAK SPACE}».",
    )


def test_a_batch_explains_in_each_viewers_own_language(api, model):
    viewer = Viewer.objects.get(pk=ADA)
    viewer.language = "it"
    save_viewer(viewer)
    body = api.post("/batch/recommend", {"user_histories": {str(ADA): [], str(BEN): []}, "explain": True})
    facts = {key: {film["fact"] for film in films if film["fact"]} for key, films in body["results"].items()}
    assert all(" come " in fact or fact.startswith(("Della stessa", "Popolare")) for fact in facts[str(ADA)]), facts
    assert not any(" come " in fact for fact in facts[str(BEN)])


def test_a_page_in_another_language_costs_two_queries_more(api, translated, django_assert_num_queries):
    for headers, queries in (({}, 1), ({"Accept-Language": "de"}, 3), ({"Accept-Language": "en"}, 2)):
        with django_assert_num_queries(queries):  # the languages that there are, the genres' names, the page
            api.get("/movies", headers=headers)
        with django_assert_num_queries(queries):
            api.get(f"/movies/{NEMO}", headers=headers)
    api.get("/popular")  # the catalogue and the charts
    for language in ("", "&language=de"):
        with django_assert_num_queries(1):
            api.get(f"/popular?top_k=5&titles=true{language}")
        with django_assert_num_queries(0):
            api.get(f"/popular?top_k=5{language}", headers={"Accept-Language": "de"})


def test_a_viewers_language_and_country_come_by_file(api, translated, tmp_path):
    path = tmp_path / "viewers.csv"
    path.write_text(f"user_id,country,language\n{ADA},de,fr\n{ADA + 1},XX,\n")
    assert [(line, field) for line, field, _ in import_file("viewers", path)[1]] == [(3, "country")]
    assert nemo(api.get(f"/recommend?user_id={ADA}&top_k=50&titles=true"))["title"] == FRENCH
    assert f'"user_id": {ADA}, "name": "", "age_limit": null, "country": "DE", "language": "fr"' in export_lines(
        "viewers"
    )


def test_a_copy_in_another_language_is_no_copy(api, translated):
    for path in ("/popular?top_k=200&titles=true", "/movies?page_size=1000"):
        api.get(path, headers={"Accept-Language": "de"})
        tag = api.response.headers["ETag"]
        same = api.client.get(path, headers={"Accept-Language": "de", "If-None-Match": tag})
        assert same.status_code == 304
        assert "Accept-Language" in same.headers["Vary"]
        assert api.client.get(path, headers={"Accept-Language": "fr", "If-None-Match": tag}).status_code == 200


def test_translated_titles_are_found(api, translated):
    def found(search):
        return [film["movie_id"] for film in api.get("/movies", query_params={"search": search})["results"]]

    assert found("findet nemo")[0] == found("FINDET")[0] == found("le monde de nemo")[0] == str(NEMO)
    assert found("findte nemo") == [str(NEMO)], "typing errors are corrected by its words"
    assert found("finding nemo")[0] == str(NEMO)


def test_genres_are_filtered_by_their_translated_names(api, translated):
    for name in ("Kinderfilm", "kinderfilm", "Enfants", "Children"):
        body = api.get("/popular", query_params={"genres": name, "top_k": 200})
        assert str(NEMO) in [film["movie_id"] for film in body["recommendations"]], name


@pytest.mark.usefixtures("cast")
def test_translations_are_written_by_calls(site):
    texts = {"de": {"title": " Findet  Nemo ", "overview": "Ein Fisch."}, "PT-br": {"title": "Procurando Nemo"}}
    site.patch(f"/movies/{NEMO}", {"translations": texts})

    def stored():
        return site.get(f"/movies/{NEMO}?published=any")["translations"]

    expected = {
        "de": {"title": GERMAN, "overview": "Ein Fisch."},
        "pt-BR": {"title": "Procurando Nemo", "overview": ""},
    }
    assert stored() == expected
    assert "translations" not in site.get(f"/movies/{NEMO}")
    site.patch(f"/movies/{NEMO}", {"translations": {"de": {"title": "Nemo"}, "pt-br": None}})
    assert stored() == {"de": {"title": "Nemo", "overview": "Ein Fisch."}}
    site.patch(f"/movies/{NEMO}", {"translations": {"de": {"title": "", "overview": ""}}})
    assert stored() == {}
    wrong = [
        {"german": {"title": "x"}},
        {"de": {}},
        {"de": {"name": "x"}},
        {"de": {"title": "x" * 301}},
        ["de"],
        {"de": "x"},
    ]
    for translations in [*wrong, {"de": {"title": "a"}, "DE": {"title": "b"}}]:
        [error] = site.patch(f"/movies/{NEMO}", {"translations": translations}, expect=400)["errors"]
        assert error["pointer"].startswith("#/translations")
    made = site.post("/movies", {"title": "Das Boot", "translations": {"en": {"title": "The Boat"}}}, expect=201)
    assert site.get(f"/movies/{made['movie_id']}?language=en")["title"] == "The Boat"


@pytest.mark.usefixtures("cast")
def test_files_carry_translations_there_and_back(tmp_path):
    path = tmp_path / "films.csv"
    path.write_text(
        f'movie_id,title:de,overview:de,title:pt-BR\n{NEMO},Findet Nemo,"Ein\nFisch",\n{EMPIRE},,,O Imperio\n'
    )
    assert import_file("movies", path)[1] == []
    rows = MovieTranslation.objects.order_by("movie_id").values_list("movie_id", "language", "title", "overview")
    stored = [(EMPIRE, "pt-BR", "O Imperio", ""), (NEMO, "de", GERMAN, "Ein\nFisch")]
    assert list(rows) == stored
    for form in ("csv", "jsonl"):
        copy = tmp_path / f"copy.{form}"
        copy.write_text(export_lines("movies", form))
        MovieTranslation.objects.all().delete()
        assert import_file("movies", copy)[1] == []
        assert list(rows.all()) == stored
    assert "title:de" in (tmp_path / "copy.csv").read_text().splitlines()[0]
    path.write_text("movie_id,title:german\n1,x\n")
    assert "unknown column" in import_file("movies", path)[0]


@pytest.mark.usefixtures("model")
def test_staff_translate_films_and_genres(api, editor):
    MovieTranslation.objects.create(movie_id=SPIRITED_AWAY, language="de", title="x")
    path = admin_url("movie", "change", SPIRITED_AWAY)
    assert submit(editor, path, {"translations-0-title": "Chihiros Reise"}).status_code == 302
    films = api.get("/movies?search=chihiros&language=de")["results"]
    assert [film["title"] for film in films] == ["Chihiros Reise"]
    children = Genre.objects.get(name="Children")
    GenreTranslation.objects.create(genre=children, language="de", name="x")
    assert (
        submit(editor, admin_url("genre", "change", children.pk), {"translations-0-name": "Kindersachen"}).status_code
        == 302
    )
    assert "Kindersachen" in [genre["name"] for genre in api.get("/genres?language=de")["results"]]
    assert submit(editor, path, {"translations-0-language": "german language"}).status_code == 200
    for text in ("Kindersachen", "kids", "child"):
        page = editor.get(admin_url("genre"), {"q": text})
        assert [genre.name for genre in page.context["cl"].result_list] == ["Children"], text
    page = editor.get(admin_url("person"), {"q": "samuel l jackson"})
    assert [person.name for person in page.context["cl"].result_list] == ["Samuel L. Jackson"]


TAGS = st.from_regex(r"[a-z]{2,3}(-[a-z]{2})?", fullmatch=True)


@given(st.text(max_size=200))
def test_any_header_is_read(header):
    assert len(parse_accept_language(header)) <= 10


@given(st.lists(TAGS, max_size=5, unique=True), st.sets(TAGS, max_size=6), st.sampled_from(["en", "de"]))
def test_a_chain_has_what_is_offered_and_nothing_behind_the_first_language(wishes, offered, first):
    chain = language_chain(LanguageWish("", tuple(wishes)), "", offered, first)
    assert set(chain) <= offered
    assert len(set(chain)) == len(chain)
    last = next((n for n, tag in enumerate(wishes) if tag.partition("-")[0] == first), len(wishes))
    languages = {tag.partition("-")[0] for tag in wishes[: last + 1]}
    assert {tag.partition("-")[0] for tag in chain} <= languages
    assert all(tag in chain for tag in wishes[: last + 1] if tag in offered)


def test_tags_are_stored_in_one_spelling():
    assert [canonical_tag(tag) for tag in ("DE-at", "zh-hant-TW", "PT")] == ["de-AT", "zh-Hant-TW", "pt"]
    assert parse_accept_language("de-AT, fr;q=0.5, en;q=0.7, *;q=0.1, de-AT;q=1") == ("de-at", "en", "fr")
