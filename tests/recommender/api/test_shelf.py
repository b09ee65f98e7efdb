"""POST /similar from the shelf: the neighbours in the model's folder answer as a comparison with all films would."""

import numpy as np
import pytest

from catalog.models import Movie
from catalog.services import bump_catalogue, publish_movies, record_events
from recommender import registry
from recommender.ml.model_folder import ModelCorrupt, load_model
from recommender.ml.neighbour_table import NEIGHBOURS_FILE
from recommender.movies.neighbours import compute_neighbours
from recommender.movies.snapshot import current_snapshot, last_snapshot
from recommender.serving.candidates.neighbours import stored_neighbours
from recommender.tasks import read_texts
from tests.support.cast import ADA, MORNING, STAR_WARS, TOY_STORY, watch_event
from tests.support.shelf import MORE_FILMS, SHELF, put_on_shelf
from tests.support.tiny_model import UNKNOWN_TO_MODEL, clear_caches

SEED = MORE_FILMS[7]


def similar(api, movie_id, **parameters):
    body = api.post("/similar", {"movie_id": str(movie_id), "top_k": 30, **parameters})
    return {int(item["movie_id"]): item["similarity"] for item in body["similar"]}


def of_catalogue():
    """Return the catalogue as this process has it, and the stored neighbours beside it."""
    snapshot = last_snapshot()
    return snapshot, stored_neighbours(snapshot, registry.ranker())


@pytest.fixture
def writer(client_with, shelf):
    return client_with("catalog:write")


def test_stored_neighbours_are_those_of_a_comparison_with_all_films(api, shelf):
    similar(api, STAR_WARS)
    snapshot, stored = of_catalogue()
    for row in range(len(snapshot.table.ids)):
        found, computed = stored.read(row), compute_neighbours(snapshot, row, stored)
        assert found.rows.tolist() == computed.rows.tolist(), snapshot.table.titles[row]
        np.testing.assert_allclose(found.similarities, computed.similarities, atol=5.1e-5)
        assert not found.are_all


def test_films_that_the_same_people_liked_are_nearer(api, shelf):
    before = similar(api, STAR_WARS, top_k=200)
    liked = of_catalogue()[1].liked_with(int(last_snapshot().table.rows_of(np.array([STAR_WARS]))[0]))
    assert len(liked[0]) > 3
    registry.activate("tiny", "without neighbours")
    without = similar(api, STAR_WARS, top_k=200)
    raised = set(last_snapshot().table.ids[liked[0]].tolist()) & set(without)
    assert raised
    assert all(before[movie_id] > without[movie_id] for movie_id in raised)


def test_a_new_film_and_a_changed_one_count_at_once(api, writer):
    before = similar(api, SEED)
    assert SEED not in before
    far = next(movie_id for movie_id in MORE_FILMS if movie_id not in before and movie_id != SEED)
    writer.post(
        "/movies",
        {"movie_id": "7001", "title": "Tale 6007 2", "year": 2019, "genres": ["Children", "Crime"]},
        expect=201,
    )
    genres = list(Movie.objects.get(pk=SEED).genres.values_list("name", flat=True))
    writer.patch(f"/movies/{far}", {"genres": genres, "year": Movie.objects.get(pk=SEED).year})

    after = similar(api, SEED)

    snapshot, stored = of_catalogue()
    assert stored.hold
    assert far in after
    seed_row = int(snapshot.table.rows_of(np.array([SEED]))[0])
    assert stored.read(seed_row) is not None
    computed = compute_neighbours(snapshot, seed_row, stored)
    by_id = dict(zip(snapshot.table.ids[computed.rows].tolist(), computed.similarities.tolist(), strict=True))
    assert after[far] == pytest.approx(by_id[far], abs=1e-4)
    assert {7001, *after} <= {7001, *by_id}
    # The changed film's own neighbours, and the new film's.
    assert list(similar(api, far))[:3] != list(before)[:3]
    assert similar(api, 7001)


@pytest.mark.parametrize("change", ["unpublish", "delete"])
def test_a_film_that_is_taken_away_is_gone_at_once(api, writer, change):
    gone, *others = similar(api, SEED)
    if change == "unpublish":
        publish_movies([gone], published=False)
    else:
        Movie.objects.get(pk=gone).delete()
        bump_catalogue()

    assert list(similar(api, SEED))[: len(others)] == others
    if change == "unpublish":
        publish_movies([gone], published=True)
        assert next(iter(similar(api, SEED))) == gone, "it is as it was"


def test_a_new_text_counts_once_it_was_read(api, writer):
    before = similar(api, SEED)
    far = list(before)[-1]
    plots = ["A keeper guards the lighthouse while a storm drowns the harbour.", "Two cooks open a bakery and quarrel."]
    for movie_id, plot in zip((SEED, far, STAR_WARS, TOY_STORY), np.repeat(plots, 2).tolist(), strict=True):
        writer.patch(f"/movies/{movie_id}", {"overview": plot})
    read_texts()
    after = similar(api, SEED)
    assert after[far] > before[far]
    assert list(after).index(far) < list(before).index(far)


def test_after_many_changes_films_are_compared_with_all(api, shelf):
    before = similar(api, SEED)
    Movie.objects.filter(pk__in=MORE_FILMS[:100]).update(year=1931)
    bump_catalogue()
    after = similar(api, SEED)
    snapshot, stored = of_catalogue()
    assert not stored.hold
    assert after != before
    row = int(snapshot.table.rows_of(np.array([SEED]))[0])
    assert list(after) == snapshot.table.ids[compute_neighbours(snapshot, row, stored).rows[:30]].tolist()


def test_pages_go_to_the_end_of_the_catalogue(api, shelf):
    query = {"movie_id": str(SEED), "top_k": 60}
    listed, cursor = [], None
    while True:
        body = api.post("/similar", query if cursor is None else {"movie_id": str(SEED), "cursor": cursor})
        listed += [int(item["movie_id"]) for item in body["similar"]]
        cursor = body["next"]
        if cursor is None:
            break
    assert sorted(listed) == sorted(set(Movie.objects.filter(published=True).values_list("pk", flat=True)) - {SEED})


def test_a_viewer_who_has_seen_all_near_films_gets_farther_ones(api, shelf):
    near = list(similar(api, SEED, top_k=200))
    record_events([watch_event(ADA, movie_id, MORNING) for movie_id in near])
    own = similar(api, SEED, top_k=100, user_id=ADA)
    assert len(own) == 100
    assert not set(own) & set(near)


def test_a_film_without_a_place_on_the_shelf_has_neighbours_too(api, shelf):
    assert similar(api, UNKNOWN_TO_MODEL)
    assert api.post("/similar", {"movie_id": str(UNKNOWN_TO_MODEL)})["source"] == "content"


def test_a_shelf_that_was_cut_is_computed_and_one_that_was_edited_is_no_model(api, shelf):
    before = similar(api, TOY_STORY)
    file = registry.folder(SHELF) / NEIGHBOURS_FILE
    whole = file.read_bytes()
    with file.open("r+b") as opened:
        opened.truncate(len(whole) // 8)
    after = similar(api, TOY_STORY)
    assert len(after) == len(before)
    with pytest.raises(ModelCorrupt, match=NEIGHBOURS_FILE):
        load_model(registry.folder(SHELF))


def test_a_shelf_of_another_catalogue_is_made_anew(api, shelf):
    publish_movies(list(MORE_FILMS[:50]), published=False)
    similar(api, SEED)
    assert not of_catalogue()[1].hold
    registry.artifacts.delete(SHELF)
    put_on_shelf()
    clear_caches()
    similar(api, STAR_WARS)
    snapshot, stored = of_catalogue()
    assert stored.hold
    assert current_snapshot(snapshot.version) is snapshot
