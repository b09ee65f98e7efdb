"""The shards of histories: what is in them, what is written again, what an erasure and a kill leave."""

from datetime import timedelta

import numpy as np
import pyarrow.parquet as pq
import pytest

from catalog import selectors, services
from catalog.models import Movie, WatchEvent
from catalog.services import record_events
from recommender import merging
from recommender.shards.block import HistoryBlock, join
from recommender.shards.erasure import forget_deleted, forget_viewers
from recommender.shards.export import update_shards
from recommender.shards.files import ShardDamaged, read_shard
from recommender.shards.lock import folder_lock
from recommender.shards.manifest import MANIFEST_FILE, Manifest
from tests.support.cast import ADA, BEN, CLEO, DAN, MORNING, NEMO, STAR_WARS, watch_event
from tests.support.shards import FIRST, assert_as_in_postgres, files_of, read_all

pytestmark = pytest.mark.usefixtures("cast")


def test_the_shards_have_what_serving_reads_of_every_viewer(many, tmp_path):
    manifest = update_shards(tmp_path)

    assert len(manifest.shards) >= 4
    assert manifest == Manifest.load(tmp_path)
    assert manifest.taken_at
    block = read_all(tmp_path, manifest)
    assert_as_in_postgres(block)
    assert (manifest.viewers, manifest.events) == (len(block.viewers), len(block.movie_ids))
    assert {path.name for path in tmp_path.glob("*.parquet")} == files_of(manifest)
    rows = pq.read_table(tmp_path / manifest.shards[0].file)
    assert rows["movie_ids"][0].as_py() == block.movie_ids[: block.indptr[1]].tolist(), "one row a viewer"


def test_only_shards_with_a_change_are_written_again(many, tmp_path, monkeypatch):
    first = update_shards(tmp_path)
    read = []
    read_histories = selectors.histories
    monkeypatch.setattr(selectors, "histories", lambda ids: read.append(ids) or read_histories(ids))

    assert files_of(update_shards(tmp_path)) == files_of(first)
    assert read == []
    changed = FIRST + 20
    record_events([watch_event(changed, NEMO, MORNING + timedelta(days=9))])
    second = update_shards(tmp_path)

    assert len(files_of(second) - files_of(first)) == 1
    assert read == [[changed]]
    monkeypatch.undo()
    assert_as_in_postgres(read_all(tmp_path, second))


def test_whatever_changes_events_is_noticed(many, tmp_path):
    event = WatchEvent.objects.filter(viewer=FIRST + 3).exclude(movie=STAR_WARS).first()
    changes = [
        lambda: services.delete_events(FIRST + 1),
        lambda: services.delete_movies([event.movie_id]),
        lambda: record_events([watch_event(FIRST + 900, STAR_WARS, MORNING)]),
        lambda: services.erase_viewer(FIRST + 2),
        lambda: record_events([watch_event(FIRST + 2, STAR_WARS, MORNING)]),
        lambda: merging.merge(FIRST + 4, FIRST + 5, allow_accounts=True),
        lambda: merging.undo_merge(merging.Merge.objects.get().pk, allow_accounts=True),
    ]
    before = files_of(update_shards(tmp_path))
    for number, change in enumerate(changes):
        change()
        manifest = update_shards(tmp_path)
        assert files_of(manifest) != before, number
        assert_as_in_postgres(read_all(tmp_path, manifest))
        before = files_of(manifest)


def test_growing_shards_are_split_and_new_viewers_fill_the_last(many, tmp_path):
    update_shards(tmp_path)
    movies = Movie.objects.values_list("pk", flat=True)
    record_events([watch_event(FIRST + 11, movie, MORNING + timedelta(days=n)) for n, movie in enumerate(movies)])
    record_events([watch_event(FIRST + 12, movie, MORNING + timedelta(days=n)) for n, movie in enumerate(movies)])
    record_events([watch_event(viewer, NEMO, MORNING) for viewer in (FIRST + 500, FIRST + 501, "a key of words")])
    manifest = update_shards(tmp_path)

    assert_as_in_postgres(read_all(tmp_path, manifest))
    assert [shard.last for shard in manifest.shards] == sorted({shard.last for shard in manifest.shards})


def test_an_erasure_leaves_nothing_of_the_viewer_in_any_file(many, tmp_path):
    manifest = update_shards(tmp_path)
    gone = FIRST + 13

    assert forget_viewers(tmp_path, [gone])
    after = Manifest.load(tmp_path)

    assert len(files_of(after) - files_of(manifest)) == 1
    files = list(tmp_path.glob("*.parquet"))
    assert {path.name for path in files} == files_of(after)
    assert all(gone not in pq.read_table(path)["viewers"].to_pylist() for path in files)
    assert after.viewers == manifest.viewers - 1
    assert forget_viewers(tmp_path, [gone, FIRST - 1])
    assert Manifest.load(tmp_path) == after, "who is in no shard changes nothing"


def test_a_machine_that_was_away_forgets_who_was_erased_since(many, tmp_path):
    manifest = update_shards(tmp_path)
    services.erase_viewer(FIRST + 13)
    services.erase_viewer(FIRST + 31)
    assert forget_deleted(tmp_path)
    block = read_all(tmp_path, Manifest.load(tmp_path))
    assert_as_in_postgres(block)
    assert len(block.viewers) == manifest.viewers - 2


def test_the_last_viewer_of_a_shard_is_named_nowhere_once_erased(many, tmp_path):
    """The range of a shard ends with a viewer's id, which stands in the manifest and in the file's name."""
    for number, gone in enumerate([shard.last for shard in update_shards(tmp_path).shards]):
        services.erase_viewer(gone)
        if number % 2:
            assert forget_viewers(tmp_path, [gone])
        else:
            update_shards(tmp_path)
        assert str(gone) not in (tmp_path / MANIFEST_FILE).read_text().replace(Manifest.load(tmp_path).taken_at, "")
        assert not list(tmp_path.glob(f"*{gone}-*"))
    assert_as_in_postgres(read_all(tmp_path, update_shards(tmp_path)))


def test_all_viewers_of_a_shard_may_be_erased(many, tmp_path):
    manifest = update_shards(tmp_path)
    gone = read_shard(tmp_path, manifest.shards[1]).viewers.tolist()
    assert forget_viewers(tmp_path, gone)
    assert len(Manifest.load(tmp_path).shards) == len(manifest.shards) - 1
    assert_as_in_postgres(read_all(tmp_path, update_shards(tmp_path)))  # they are still in Postgres


def test_while_an_export_runs_an_erasure_is_not_done(many, tmp_path):
    update_shards(tmp_path)
    with folder_lock(tmp_path, wait=True):
        assert not forget_viewers(tmp_path, [FIRST])
    assert forget_viewers(tmp_path, [FIRST])


@pytest.mark.parametrize("damage", ["cut", "edited", "missing"])
def test_a_damaged_shard_is_told_and_read_again(many, tmp_path, damage):
    manifest = update_shards(tmp_path)
    path = tmp_path / manifest.shards[2].file
    content = bytearray(path.read_bytes())
    if damage == "cut":
        path.write_bytes(content[:-7])
    elif damage == "edited":
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
    else:
        path.unlink()
    with pytest.raises(ShardDamaged, match=path.name):
        read_shard(tmp_path, manifest.shards[2])

    told = []
    again = update_shards(tmp_path, tell=told.append)

    assert len(told) == 1
    assert path.name in told[0]
    assert_as_in_postgres(read_all(tmp_path, again))


def test_an_erasure_in_a_damaged_shard_deletes_it(many, tmp_path):
    manifest = update_shards(tmp_path)
    path = tmp_path / manifest.shards[2].file
    path.write_bytes(path.read_bytes()[:-7])
    assert forget_viewers(tmp_path, [manifest.shards[2].last])
    assert not path.exists()
    assert_as_in_postgres(read_all(tmp_path, update_shards(tmp_path)))


def test_an_export_that_was_killed_goes_on(many, tmp_path, monkeypatch):
    class Killed(BaseException):
        pass

    def kill_after_three(viewers):
        kill_after_three.calls += 1
        if kill_after_three.calls == 3:
            raise Killed

    kill_after_three.calls = 0
    with pytest.raises(Killed):
        update_shards(tmp_path, kill_after_three)
    begun = Manifest.load(tmp_path)
    assert (len(begun.shards), begun.taken_at) == (3, "")

    manifest = update_shards(tmp_path)

    assert len(files_of(begun) & files_of(manifest)) >= 2, "what was written stays"
    assert_as_in_postgres(read_all(tmp_path, manifest))
    assert not list(tmp_path.glob(".*.part"))


def test_shards_of_other_data_or_rules_are_made_anew(many, tmp_path, settings):
    update_shards(tmp_path)
    settings.SEEN_SHARE = 0.123
    second = update_shards(tmp_path)
    assert second.source["seen_share"] == 0.123
    assert {path.name for path in tmp_path.glob("*.parquet")} == files_of(second)
    services.bump_data_set()
    assert update_shards(tmp_path).source != second.source
    (tmp_path / MANIFEST_FILE).write_text("{}")
    assert_as_in_postgres(read_all(tmp_path, update_shards(tmp_path)))


def test_a_site_without_viewers_has_no_shards(tmp_path):
    for viewer in (ADA, BEN, CLEO, DAN):
        services.erase_viewer(viewer)
    manifest = update_shards(tmp_path)
    assert (manifest.shards, manifest.viewers, manifest.events) == ((), 0, 0)


def test_blocks_join_in_the_order_of_ids():
    def block(*viewers):
        ids = np.array(viewers, np.int32)
        indptr = np.arange(len(ids) + 1, dtype=np.int64)
        return HistoryBlock(
            ids,
            ids.astype(np.int64),
            indptr,
            ids,
            ids.astype(np.int64),
            ids.astype(np.int8),
            *[ids * np.float32(1)] * 2,
        )

    joined = join([block(5, 9), block(1, 7), HistoryBlock.empty()])
    assert joined.viewers.tolist() == joined.movie_ids.tolist() == [1, 5, 7, 9]
    assert joined.indptr.tolist() == [0, 1, 2, 3, 4]
    assert join([]).indptr.tolist() == [0]
