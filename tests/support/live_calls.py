"""What clients ask of a running system while its parts are stopped, and how their answers are judged."""

from uuid import uuid4

from tests.support.cast import ADA, BEN, CLEO, MATRIX, SHAWSHANK, STAR_WARS
from tests.support.live_server import Outcome

VIEWERS = (ADA, BEN, CLEO)


STRANGER = 31_000  # nothing is stored for


HISTORY = [str(film) for film in (STAR_WARS, MATRIX, SHAWSHANK)]


SLOWEST = 2.5  # seconds, on a busy machine


LISTS = ("stored", "titled", "posted", "anonymous", "liked", "filtered", "home", "front", "popular", "seen", "keyed")


def calls(live):
    def viewer(rng):
        return rng.choice(VIEWERS)

    def filtered(rng):
        wish = {"user_id": viewer(rng), "genres": ["Crime", "Sci-Fi"], "final_k": 5}
        return live.send("/recommend/filtered", wish)

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


def begin(live, load):
    """Every process has answered, and every viewer has a list."""
    for viewer in VIEWERS:
        live.fetch_from_each_worker(f"/recommend?user_id={viewer}")
    load.wait_until_all(is_full_answer)


def is_degraded(outcome: Outcome) -> bool:
    return outcome.status == 200 and outcome.body.get("degraded", False)


def outcomes_by_name(outcomes: list[Outcome], *names: str) -> dict[str, list[Outcome]]:
    """By name; each of them was asked."""
    found = {name: [one for one in outcomes if one.call == name] for name in names}
    assert all(found.values()), {name: len(those) for name, those in found.items()}
    return found


def assert_answered(outcomes: list[Outcome], *names: str, within: float = SLOWEST) -> None:
    for name, those in outcomes_by_name(outcomes, *names).items():
        wrong = [one for one in those if one.status != 200 or one.seconds > within]
        assert not wrong, (name, wrong[0])


def movies_of(outcome: Outcome) -> list:
    return outcome.body.get("recommendations") or outcome.body.get("rows") or outcome.body.get("similar")


def is_full_answer(outcome: Outcome) -> bool:
    return outcome.status == 200 and not is_degraded(outcome) and outcome.body.get("visible", True)
