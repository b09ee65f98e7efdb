"""Calls of clients to a running system whose parts are stopped, and the checks of their answers."""

from uuid import uuid4

from tests.support.cast import ADA, BEN, CLEO, MATRIX, SHAWSHANK, STAR_WARS
from tests.support.live_server import Outcome

VIEWERS = (ADA, BEN, CLEO)
STRANGER = 31_000  # has no stored list
HISTORY = [str(movie) for movie in (STAR_WARS, MATRIX, SHAWSHANK)]
MAX_SECONDS = 2.5  # for an answer, on a busy machine
LISTS = ("stored", "titled", "posted", "anonymous", "liked", "filtered", "home", "front", "popular", "seen", "keyed")


def calls(live):
    """Return every kind of call by its name; each takes a random generator and returns a Reply."""

    def viewer(rng):
        return rng.choice(VIEWERS)

    def filtered(rng):
        body = {"user_id": viewer(rng), "genres": ["Crime", "Sci-Fi"], "final_k": 5}
        return live.send("/recommend/filtered", body)

    def event(rng):
        body = {"user_id": STRANGER + 1, "movie_id": str(MATRIX), "kind": "watch", "event_id": str(uuid4())}
        return live.send("/events", body, key=True)

    return {
        "stored": lambda rng: live.send(f"/recommend?user_id={viewer(rng)}&top_k=10"),
        "titled": lambda rng: live.send(f"/recommend?user_id={viewer(rng)}&top_k=5&titles=true"),
        "posted": lambda rng: live.send("/recommend", {"user_id": viewer(rng), "history": HISTORY, "top_k": 10}),
        "anonymous": lambda rng: live.send("/recommend", {"history": HISTORY, "top_k": 10, "titles": True}),
        "liked": lambda rng: live.send("/recommend", {"liked_genres": ["Crime"]}),
        "filtered": filtered,
        "home": lambda rng: live.send(f"/home?user_id={viewer(rng)}"),
        "front": lambda rng: live.send("/home"),
        "popular": lambda rng: live.send("/popular?top_k=5&titles=true"),
        "seen": lambda rng: live.send(f"/trending?user_id={viewer(rng)}"),
        "keyed": lambda rng: live.send(f"/recommend?user_id={viewer(rng)}", key=True),
        "similar": lambda rng: live.send("/similar", {"movie_id": str(STAR_WARS), "user_id": viewer(rng)}),
        "event": event,
    }


def warm_up(live, load):
    """Wait until every process has answered and every viewer has a stored list."""
    for viewer in VIEWERS:
        live.fetch_from_each_worker(f"/recommend?user_id={viewer}")
    load.wait_until_all(is_full_answer)


def is_degraded(outcome: Outcome) -> bool:
    """Return whether an answer says that a part of the system was down."""
    return outcome.status == 200 and outcome.body.get("degraded", False)


def outcomes_by_name(outcomes: list[Outcome], *names: str) -> dict[str, list[Outcome]]:
    """Return the outcomes of each named call; fail if a call has none."""
    by_name = {name: [outcome for outcome in outcomes if outcome.call == name] for name in names}
    assert all(by_name.values()), {name: len(group) for name, group in by_name.items()}
    return by_name


def assert_answered(outcomes: list[Outcome], *names: str, within: float = MAX_SECONDS) -> None:
    """Fail unless every named call was answered with 200 in time."""
    for name, group in outcomes_by_name(outcomes, *names).items():
        late_or_refused = [outcome for outcome in group if outcome.status != 200 or outcome.seconds > within]
        assert not late_or_refused, (name, late_or_refused[0])


def movies_of(outcome: Outcome) -> list:
    """Return the movies of a list, or the rows of a home page."""
    return outcome.body.get("recommendations") or outcome.body.get("rows") or outcome.body.get("similar")


def is_full_answer(outcome: Outcome) -> bool:
    """Return whether an answer is as good as with every part running."""
    return outcome.status == 200 and not is_degraded(outcome) and outcome.body.get("visible", True)
