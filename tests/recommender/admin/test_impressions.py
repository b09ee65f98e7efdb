"""The list of impressions and clicks."""

import pytest
from django.urls import reverse

from recommender.admin import impressions
from recommender.models import Impression
from tests.support.cast import ADA, AMELIE, BEN, STAR_WARS

pytestmark = pytest.mark.django_db


def test_impressions_are_found_by_viewer_movie_and_list(admin_client, monkeypatch):
    Impression.objects.create(occurred_at="2024-03-01T12:00Z", viewer_id=BEN, movie_id=AMELIE, kind=1)
    rows = [Impression(occurred_at="2024-03-01T12:00Z", viewer_id=ADA, movie_id=STAR_WARS, kind=1) for _ in range(3)]
    Impression.objects.bulk_create(rows)
    Impression.objects.filter(movie_id=AMELIE).update(recommendation_id="5f")

    def search(text):
        page = admin_client.get(reverse("admin:recommender_impression_changelist"), {"q": text}).context["cl"]
        return page.result_count, {row.movie_id for row in page.result_list}

    assert search(str(ADA)) == (3, {STAR_WARS})
    assert search(str(AMELIE)) == search("5f") == search(str(BEN)) == (1, {AMELIE})
    assert search("nobody") == search("9" * 30) == (0, set())
    monkeypatch.setattr(impressions, "MAX_PAGED_ROWS", 2)
    monkeypatch.setattr(impressions, "MAX_SEARCHED_ROWS", 3)
    assert search(str(AMELIE)) == search("5f") == (0, set()), "too long ago"
    assert search("")[0] == 2, "pages end there"


def test_nobody_writes_an_impression(admin_client):
    row = Impression.objects.create(occurred_at="2024-03-01T12:00Z", viewer_id=BEN, movie_id=AMELIE, kind=1)
    assert admin_client.get(reverse("admin:recommender_impression_add")).status_code == 403
    path = reverse("admin:recommender_impression_change", args=[row.pk])
    assert admin_client.post(path, {"viewer_id": ADA}).status_code == 403
    row.refresh_from_db()
    assert row.viewer_id == BEN
