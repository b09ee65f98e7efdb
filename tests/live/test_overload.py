"""More calls than can be computed, over HTTP: each is answered, and one key does not hold up another."""

from collections import Counter

from recommender.models import ApiKey
from tests.support.live_calls import HISTORY, VIEWERS, assert_answered, is_degraded, movies_of
from tests.support.live_server import Load


def test_a_key_with_many_connections_gets_less_and_another_all_that_it_asks_for(live):
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

    assert {outcome.status for outcome in crowd.outcomes} == {200}
    assert Counter(map(is_degraded, crowd.outcomes))[True]
    assert all(map(movies_of, crowd.outcomes))
    assert_answered(quiet.outcomes, "explained")
    assert not any(map(is_degraded, quiet.outcomes))
    assert all("because" in movie for outcome in quiet.outcomes for movie in movies_of(outcome))
