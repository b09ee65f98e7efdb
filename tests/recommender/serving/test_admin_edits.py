"""What staff do in the admin is true on the next read, of stored lists too, and stored lists stay."""

from datetime import timedelta

import pytest
from django.utils import timezone

from catalog.models import Movie, Viewer
from catalog.services import invalidate_viewers
from recommender.serving.pipeline import recommend
from recommender.serving.request import Filters, RecommendRequest
from tests.support.cast import ADA, MATRIX, NEMO, SPIRITED_AWAY, TOY_STORY, TOY_STORY_2
from tests.support.forms import edit, run_admin_action

pytestmark = pytest.mark.usefixtures("model")


@pytest.fixture
def stored():
    """Store the list of Ada from here on, and return its movie ids."""
    return listed("model")


def listed(source="cache", **more):
    answer = recommend(RecommendRequest(viewer_id=ADA, **{"top_k": 40, **more}))
    assert answer.source == source
    return [item.movie_id for item in answer.recommendations]


def test_unpublished_one_by_one_and_published_again(editor, stored):
    edit(editor, "movie", stored[0], published=False)
    assert listed()[:39] == stored[1:]

    edit(editor, "movie", stored[0], published=True)
    assert listed() == stored


def test_unpublished_and_published_in_bulk(editor, stored):
    run_admin_action(editor, "unpublish", stored[:10])
    assert listed()[:30] == stored[10:]

    run_admin_action(editor, "publish", stored[:10])
    assert listed() == stored


def test_what_was_hidden_when_the_list_was_made_comes_back_on_it(editor, stored):
    run_admin_action(editor, "unpublish", stored[:3])
    invalidate_viewers([ADA])
    assert listed("model")[:37] == stored[3:]

    run_admin_action(editor, "publish", stored[:3])
    assert listed() == stored


def test_a_movie_that_an_edit_makes_fit_for_the_viewer_comes_onto_the_stored_list(editor, stored):
    edit(editor, "viewer", ADA, age_limit=17)
    listed("model", top_k=5)

    edit(editor, "movie", stored[0], certificate="PG")

    assert listed("cache", top_k=5)[0] == stored[0]


def test_deleted_in_bulk(editor, stored):
    run_admin_action(editor, "delete_selected", stored[:10])

    assert listed()[:30] == stored[10:]


@pytest.mark.parametrize("side", ["available_from", "available_until"])
def test_a_window(editor, stored, side):
    ahead = timedelta(hours=2) if side == "available_from" else -timedelta(hours=2)
    moment = timezone.now() + ahead

    edit(editor, "movie", stored[0], **{f"{side}_0": f"{moment:%Y-%m-%d}", f"{side}_1": f"{moment:%H:%M:%S}"})

    assert listed()[:39] == stored[1:]


def test_a_certificate(editor, stored):
    family = listed("model", age_limit=8)
    assert TOY_STORY in family

    edit(editor, "movie", TOY_STORY, certificate="NC-17")
    assert TOY_STORY not in listed("model", age_limit=8)
    assert listed() == stored, "who has no limit sees no change"

    edit(editor, "movie", TOY_STORY, certificate="GB:U")
    assert listed("model", age_limit=8) == family


def test_a_certificate_on_the_stored_list_of_a_viewer_with_a_limit(editor, stored):
    edit(editor, "viewer", ADA, age_limit=17)
    first = listed("model", top_k=5)
    assert listed("cache", top_k=5) == first

    edit(editor, "movie", first[0], certificate="NC-17")
    assert listed("cache", top_k=4) == first[1:]

    edit(editor, "movie", first[0], certificate="G")
    assert listed("cache", top_k=5) == first


def test_a_viewers_age_limit(editor, stored):
    edit(editor, "viewer", ADA, age_limit=8)
    assert set(listed("model")) == {TOY_STORY, TOY_STORY_2, NEMO, SPIRITED_AWAY}
    assert set(listed("model")) <= set(Movie.objects.filter(certificate__in=["G", "PG"]).values_list("id", flat=True))

    edit(editor, "viewer", ADA, age_limit="")
    assert listed("model") == stored


def test_a_viewers_name_makes_no_list_old(editor, stored):
    edit(editor, "viewer", ADA, name="Ada")

    assert Viewer.objects.get(pk=ADA).name == "Ada"
    assert listed() == stored


def test_what_a_filter_looks_at(editor, stored):
    wish = RecommendRequest(viewer_id=ADA, top_k=5, filters=Filters(genres=["Crime"], languages=["de"]))
    assert recommend(wish).empty_reason == "The catalogue has none of the languages: de."

    crime = next(movie for movie in stored if 5200 <= movie < 5300)
    edit(editor, "movie", crime, language="de-AT")

    assert [item.movie_id for item in recommend(wish).recommendations] == [crime]


def test_a_genre_that_is_renamed(editor, stored):
    genre = Movie.objects.get(id=MATRIX).genres.get(name="Sci-Fi")

    edit(editor, "genre", genre.pk, name="Science Fiction")

    wish = RecommendRequest(viewer_id=ADA, top_k=5, filters=Filters(genres=["science fiction"]))
    assert len(recommend(wish).recommendations) == 5
    for name, count in (("Sci-Fi", 5), ("SciFi", 5), ("Space", 0)):  # what other sites call it holds on
        wish = RecommendRequest(viewer_id=ADA, top_k=5, filters=Filters(genres=[name]))
        assert len(recommend(wish).recommendations) == count
