"""Estimates from drawn lists: by hand, and from the log of lists that were served."""

from datetime import timedelta
from io import StringIO

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse
from django.utils import timezone

from recommender import tasks
from recommender.outcomes.estimators import MAX_WEIGHT, DrawnLists, estimate, mean_by_viewer
from recommender.serving.replay import counterfactual
from recommender.serving.replay.counterfactual import CannotEstimate, compare_candidate
from tests.support.api import recommended_ids
from tests.support.cast import ADA, BEN, CLEO

VIEWERS = (ADA, BEN, CLEO)


def column(*values):
    """Return values as lists of one place."""
    return np.array(values)[:, None]


def test_estimates_by_hand():
    # Film 1 was shown with a chance of 1/2 and clicked, film 2 with 1/4 and not clicked. The candidate shows film 1.
    drawn = DrawnLists(np.array([1, 2]), column(1, 2), column(1.0, 0.0), column(0.5, 0.25))
    found = estimate(drawn, column(1, 1), column(0.5, 0.5))
    assert found.ips.value == pytest.approx((2 * 1 + 0) / 2)
    assert found.snips.value == pytest.approx(2 * 1 / 2)
    # The second viewer's data expect nothing: 0 + 2 * (1 - 0). The first one's a click each: 1, and no weight.
    assert found.parts == pytest.approx([2, 1])
    assert found.doubly_robust.value == pytest.approx(1.5)
    assert (found.effective, found.overlap) == (1.0, 1.0)


def test_weights_are_cut_off_and_lists_that_say_nothing_are_told_by_their_overlap():
    drawn = DrawnLists(np.array([1, 2]), column(1, 2), column(1.0, 1.0), column(1e-9, 1.0))
    assert estimate(drawn, column(1, 2), column(1e-9, 1.0)).ips.value == pytest.approx((MAX_WEIGHT + 1) / 2)
    other = estimate(drawn, column(7, 7), column(0.0, 0.0))
    assert (other.ips.value, other.effective, other.overlap) == (0, 0, 0)


def test_what_a_viewer_does_hangs_together():
    values = np.array([1.0, 1.0, 0.0, 0.0])
    apart, together = mean_by_viewer(np.arange(4), values), mean_by_viewer(np.array([1, 1, 2, 2]), values)
    assert apart.value == together.value == 0.5
    # Errors of 1/2 each: four squares of 1/4, times 4/3, their root over 4 lists. Two viewers: squares of 1, times 2.
    assert apart.high - 0.5 == pytest.approx(1.959964 * np.sqrt(1 * 4 / 3) / 4)
    assert together.high - 0.5 == pytest.approx(1.959964 * np.sqrt(2 * 2) / 4)


@pytest.fixture
def visits(site, model, settings, monkeypatch):
    """Serve drawn lists whose first film is clicked, and with it every film that is clicked for its id."""
    monkeypatch.setattr(counterfactual, "MIN_LISTS", 30)
    settings.EXPLORATION_SHARE = 1.0
    events = []
    for turn in range(31):
        viewer = VIEWERS[turn % len(VIEWERS)]
        answer = site.get(f"/recommend?user_id={viewer}&top_k=3")
        for place, film in enumerate(recommended_ids(answer)):
            event = {"user_id": viewer, "movie_id": film, "recommendation_id": answer["recommendation_id"]}
            events += [event | {"kind": "impression"}, *([event | {"kind": "click"}] if place == 0 else [])]
    settings.EXPLORATION_SHARE = 0.0
    site.post("/events", events)
    tasks.store_served_lists()


def say(**options):
    """Run the command; return what it prints."""
    out = StringIO()
    call_command("estimate", stdout=out, no_color=True, **options)
    return out.getvalue()


def test_a_model_and_a_diversity_are_estimated_from_the_log(visits, model, monkeypatch, admin_client):
    monkeypatch.setattr(counterfactual, "MIN_EFFECTIVE", 2)
    said = say(model=model.name, places=3)
    # Whatever stands first is clicked: each list has one click, and the same model serves the same lists.
    assert "difference        +0.0000 (+0.0000 to +0.0000)" in said
    assert "from 31 drawn lists of 3 viewers" in said
    assert "There is no sure difference." in said
    comparison = compare_candidate(
        counterfactual.by_model(model.name), places=3, since=timezone.now() - timedelta(days=1)
    )
    assert comparison.served.snips.value == pytest.approx(1.0)
    assert comparison.served.snips.low <= 1.0 <= comparison.served.snips.high
    assert "Plays for each list" in say(diversity=0.3, places=2, reward="play")

    evidence = counterfactual.gate_evidence(model.name)
    model.metrics["gate"] = {"counterfactual": evidence}
    model.save()
    page = admin_client.get(reverse("admin:recommender_modelversion_change", args=[model.pk])).content.decode()
    assert "What would have come of its lists" in page
    assert "no sure difference" in page


def test_it_is_refused_where_the_log_says_too_little(visits, model):
    since = timezone.now() - timedelta(days=1)
    with pytest.raises(CannotEstimate, match="0% of its places have films that are drawn there often enough"):
        compare_candidate(lambda drawn: np.array([999_999]), since=since)
    with pytest.raises(CommandError, match=r"0 drawn lists were seen since .*; 30 are needed"):
        say(diversity=0.3, days=-1)
    with pytest.raises(CommandError, match="no usable model version 'gone'"):
        say(model="gone")
    for wrong in ({"diversity": 0.0}, {"diversity": 0.5, "places": 0}):
        with pytest.raises(CommandError, match=r"is (above 0|1 or more)"):
            say(**wrong)
