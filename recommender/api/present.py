"""Answers as the JSON of the API: plain values, built once."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from catalog.services import EventResult, EventStatus
from recommender.ingest.events import RecordResult
from recommender.models import Job
from recommender.monitoring.readiness import Readiness
from recommender.monitoring.system_health import SystemReport
from recommender.serving.request import Filters
from recommender.serving.response import Answer, Recommendation
from recommender.serving.similar import SimilarMovies


def list_body(user_id: int | None, answer: Answer) -> dict[str, Any]:
    body = {"user_id": user_id, "recommendations": _movies(answer), **_list_info(answer)}
    return body | empty_list_info(answer)


def empty_list_info(answer: Answer) -> dict[str, Any]:
    """What is said only where there is something to say."""
    told = {"reason": answer.empty_reason, "unknown_names": answer.unknown_names}
    return {name: value for name, value in told.items() if value}


def filtered_list_body(user_id: int | None, answer: Answer, filters: Filters) -> dict[str, Any]:
    return list_body(user_id, answer) | {"filters_applied": filters.as_dict()}


def similar_body(movie_id: str, found: SimilarMovies) -> dict[str, Any]:
    return {
        "movie_id": movie_id,
        "similar": [
            {"movie_id": str(film), "similarity": value}
            for film, value in zip(found.movie_ids, found.similarities, strict=True)
        ],
        "source": found.source,
        "model_version": found.model_version,
        "recommendation_id": found.recommendation_id,
        "degraded": found.degraded,
        "removed": found.removal_counts,
        "ignored_history": [],
    }


def batch_body(answers: Mapping[str, Answer], failed: Sequence[str]) -> dict[str, Any]:
    """`answers` by the viewer's key as it was sent."""
    some = next(iter(answers.values()), None)
    return {
        "results": {key: _movies(answer) for key, answer in answers.items()},
        "total_users": len(answers) + len(failed),
        "success_count": len(answers),
        "failed_users": list(failed),
        "model_version": next((a.model_version for a in answers.values() if a.model_version), None),
        "degraded": some.degraded if some else False,
        "lists": {key: _list_info(answer) for key, answer in answers.items()},
    }


def _movies(answer: Answer) -> list[dict[str, Any]]:
    if answer.movie_cards is None:
        films: list[dict[str, Any]] = [
            {"movie_id": str(film), "score": score} for film, score in answer.recommendations
        ]
    else:
        films = [_titled_movie(one, answer.movie_cards) for one in answer.recommendations]
    for film, reason in zip(films, answer.explanations or (), strict=False):
        because = [{"movie_id": str(one.movie_id), "title": one.title, "effect": one.effect} for one in reason.causes]
        film |= {"because": because, "fact": reason.fact}
    return films


def _titled_movie(one: Recommendation, cards: Mapping[int, Any]) -> dict[str, Any]:
    return {**movie_card(one.movie_id, cards), "score": one.score}


def movie_card(movie_id: int, cards: Mapping[int, Any]) -> dict[str, Any]:
    """`cards`: movie id -> selectors.MovieCard."""
    film = {"movie_id": str(movie_id)}
    found = cards.get(movie_id)  # absent: deleted since the list was made
    if found is None:
        return film | {"title": None, "genres": [], "year": None, "poster_url": ""}
    return film | {"title": found.title, "genres": found.genres, "year": found.year, "poster_url": found.poster_url}


def _list_info(answer: Answer) -> dict[str, Any]:
    return {
        "source": answer.source,
        "model_version": answer.model_version,
        "recommendation_id": answer.recommendation_id,
        "is_known_user": answer.is_known_viewer,
        "degraded": answer.degraded,
        "ignored_history": answer.unused_history,
        "removed": answer.removal_counts,
    }


def events_body(outcome: RecordResult) -> dict[str, Any]:
    counts = Counter(result.status for result in outcome.results)
    return {
        "results": [_event_result(n, result) for n, result in enumerate(outcome.results)],
        "stored": counts[EventStatus.STORED],
        "duplicates": counts[EventStatus.DUPLICATE],
        "rejected": counts[EventStatus.REJECTED],
        "conflicts": counts[EventStatus.CONFLICT],
        "visible": outcome.visible,
    }


def _event_result(index: int, result: EventResult) -> dict[str, Any]:
    body = {"index": index, "status": str(result.status)}
    body |= {"reason": result.reason} if result.reason else {}
    return body | {"fields": list(result.fields)} if result.fields else body


def readiness_body(found: Readiness, warnings: Sequence[str]) -> dict[str, Any]:
    return {
        "status": "ready" if found.ready else "not ready",
        "parts": found.components,
        "model_version": found.model_version,
        "warnings": list(warnings),
    }


def system_body(found: SystemReport) -> dict[str, Any]:
    checks = [{**asdict(one), "figures": dict(one.figures)} for one in found.checks]
    return {"status": found.status, "checked_at": found.checked_at.isoformat(), "checks": checks}


def batch_job_body(one: Job, failed: Sequence[str]) -> dict[str, Any]:
    return job_body(one) | {"failed_users": list(failed)}


def job_body(one: Job) -> dict[str, Any]:
    return {
        "job_id": str(one.id),
        "kind": one.kind,
        "status": one.status,
        "phase": one.phase,
        "done": one.done,
        "total": one.total,
        "result": one.result,
        "error": one.error,
        "created_at": one.created_at.isoformat(),
        "started_at": one.started_at and one.started_at.isoformat(),
        "finished_at": one.finished_at and one.finished_at.isoformat(),
    }
