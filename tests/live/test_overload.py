"""More calls than can be computed, over HTTP: each is answered, and one key does not hold up another."""

from recommender.models import ApiKey
from tests.support.live_calls import HISTORY, VIEWERS, is_degraded, movies_of
from tests.support.live_server import Load


def test_a_key_with_many_connections_gets_less_than_another(live):
    """Forty clients of one key and one of another ask for what one request in each process may compute at a time."""
    _, other_key = ApiKey.objects.create_key(name="the quiet one", scopes=ApiKey.Scope.values)
    body = {"user_id": VIEWERS[0], "history": HISTORY, "explain": True, "top_k": 10}
    live.fetch_from_each_worker("/recommend", body)

    with (
        Load({"explained": lambda rng: live.send("/recommend", body, key=True)}, clients=40) as crowd,
        Load({"explained": lambda rng: live.send("/recommend", body, key=other_key)}, clients=1) as quiet,
    ):
        crowd.wait_until_each_was_sent()
        begun = len(quiet.outcomes)
        while len(quiet.outcomes) < begun + 20:
            quiet.wait_until_each_was_sent()

    assert {outcome.status for outcome in (*crowd.outcomes, *quiet.outcomes)} == {200}
    assert all(map(movies_of, crowd.outcomes))
    assert degraded_share(crowd) > 0.3
    assert degraded_share(quiet) < degraded_share(crowd) / 2
    full = [outcome for outcome in quiet.outcomes if not is_degraded(outcome)]
    assert all("because" in movie for outcome in full for movie in movies_of(outcome))


def degraded_share(load):
    """Return the share of the answers that say that they are less, 0..1."""
    return sum(map(is_degraded, load.outcomes)) / len(load.outcomes)
