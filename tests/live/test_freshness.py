"""After an acknowledgement that says visible no later read shows an older list, on no web process, whatever happens."""

import re
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.support import freshness_load, servers
from tests.support.cast import ADA
from tests.support.forms import edit, run_admin_action
from tests.support.freshness_load import movie_ids_in


def test_what_was_acknowledged_is_true_on_every_later_read(live):
    ledger = freshness_load.run_sites(live, 3, freshness_load.evict_versions)

    assert ledger.acknowledged > 10
    assert {"cache", "model"} <= ledger.sources


@pytest.mark.slow
def test_whatever_else_happens_meanwhile(live):
    """Stamps evicted, lists for everyone made again and again, imports, and a Valkey that is restarted under it all."""
    with ThreadPoolExecutor(1) as apart:
        running = apart.submit(
            freshness_load.run_sites,
            live,
            40,
            freshness_load.evict_versions,
            freshness_load.run_batches,
            freshness_load.bump_epochs,
        )
        while not running.done():
            time.sleep(4)
            servers.VALKEY.stop()
            time.sleep(0.3)
            servers.VALKEY.start()
        ledger = running.result()

    assert ledger.acknowledged > 100
    assert {"cache", "model"} <= ledger.sources


def test_an_edit_in_the_admin_is_true_on_the_next_read_of_every_web_process(live):
    editor = Client()
    editor.force_login(User.objects.create_superuser("live-editor"))
    path = f"/recommend?user_id={ADA}&top_k=40"
    family = f"{path}&age_limit=17"
    film = min(movie_ids_in(live.fetch(family)), key=int)

    def listed(where=path):
        each = [film in movie_ids_in(answer) for answer in live.fetch_from_each_worker(where)]
        assert len(set(each)) == 1, each
        return each[0]

    assert listed()
    run_admin_action(editor, "unpublish", [film])
    assert not listed()
    run_admin_action(editor, "publish", [film])
    assert listed()
    edit(editor, "movie", film, available_until_0="2020-01-01", available_until_1="00:00:00")
    assert not listed()
    edit(editor, "movie", film, available_until_0="", available_until_1="")
    assert listed(family)
    edit(editor, "movie", film, certificate="NC-17")
    assert not listed(family)
    assert listed()
    edit(editor, "viewer", ADA, age_limit=17)
    assert not listed()
    edit(editor, "viewer", ADA, age_limit="")
    assert listed()


def test_every_web_process_counts_on_the_same_budget(live):
    left = []
    for worker in live.workers * 2:
        with live.only_worker(worker):
            found = re.search(r"r=(\d+);", live.send(f"/recommend?user_id={ADA}", key=True).headers["RateLimit"])
            assert found
            left.append(int(found[1]))

    assert len(live.workers) == 2
    assert left == list(range(left[0], left[0] - 4, -1))
