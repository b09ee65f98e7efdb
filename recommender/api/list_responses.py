"""What answers with lists have in common: their serializers, for the schema alone, and the bodies as plain values."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from catalog.selectors import DetailedCard, MovieCard
from recommender.api.lists.pages import NEXT_HELP
from recommender.movies.movie_ids import movie_id_text, movie_id_texts
from recommender.serving.request import Filters
from recommender.serving.response import Answer

LANGUAGE_HELP = "Of titles, genres and reasons, as far as there are any in it."


class NamesField(serializers.ListField):
    """A list of names."""

    child = serializers.CharField()


class BecauseSerializer(serializers.Serializer):
    movie_id = serializers.CharField(help_text="A film that the viewer watched.")
    title = serializers.CharField()
    effect = serializers.FloatField(min_value=0, help_text="How much lower the score would be without it.")


class ScoredMovieSerializer(serializers.Serializer):
    movie_id = serializers.CharField()
    score = serializers.FloatField(help_text="Higher is better; comparable within one list only.")
    because = BecauseSerializer(
        many=True, required=False, help_text="With explain: what raised the score most; may be empty."
    )
    fact = serializers.CharField(required=False, help_text="With explain: what it has in common with them, or empty.")


class MovieDetailFields(serializers.Serializer):
    # No docstring: it would describe every movie in the schema.
    overview = serializers.CharField(required=False, help_text="With details.")
    runtime = serializers.IntegerField(required=False, allow_null=True, help_text="With details: minutes.")
    certificate = serializers.CharField(required=False, help_text="With details.")
    directors = serializers.ListField(child=serializers.CharField(), required=False, help_text="With details.")
    actors = serializers.ListField(
        child=serializers.CharField(), required=False, help_text="With details: in billing order."
    )


DETAIL_NAMES = tuple(MovieDetailFields().fields)


@extend_schema_serializer(component_name="Titled")
class TitledMovieSerializer(MovieDetailFields, ScoredMovieSerializer):
    title = serializers.CharField(required=False, allow_null=True)
    genres = serializers.ListField(child=serializers.CharField(), required=False)
    year = serializers.IntegerField(required=False, allow_null=True)
    poster_url = serializers.CharField(required=False)


@extend_schema_serializer(component_name="Scored")
class BatchMovieSerializer(TitledMovieSerializer):
    pass


class ListInfoFields(serializers.Serializer):
    # No docstring: it would describe every answer in the schema.
    source = serializers.ChoiceField(  # type: ignore[assignment]
        ["cache", "model", "similar", "popular"], help_text="How the list came about."
    )
    model_version = serializers.CharField(allow_null=True)
    recommendation_id = serializers.CharField(help_text="Send it along with impressions and clicks.")
    made_at = serializers.DateTimeField(
        allow_null=True, required=False, help_text="Of a stored list: when it was computed; null: for this answer."
    )
    is_known_user = serializers.BooleanField()
    degraded = serializers.BooleanField(
        help_text="A part is down, or too much is asked at once: the list may be older, or of popular films."
    )
    ignored_history = serializers.ListField(
        child=serializers.CharField(), help_text="Films that were sent and that the list does not build on."
    )
    removed = serializers.DictField(
        child=serializers.IntegerField(),
        help_text="How many films are kept out, by reason: seen, disliked, not_interested of the viewer's history; "
        "not_available, age_limit, merchandising, excluded of the films that the filters want.",
    )


class NextPageFields(serializers.Serializer):
    # No docstring: it would describe every answer in the schema.
    next = serializers.CharField(allow_null=True, help_text=NEXT_HELP)


class EmptyListSerializer(serializers.Serializer):
    reason = serializers.CharField(required=False, help_text="Why the list is empty.")
    unknown_names = serializers.DictField(child=NamesField(), required=False, help_text="Names no film has.")
    suggestions = serializers.DictField(
        child=serializers.DictField(child=NamesField()),
        required=False,
        help_text="By filter, for unknown names: names of the catalogue that are near.",
    )


class LanguageFields(serializers.Serializer):
    # No docstring: it would describe every answer in the schema.
    language = serializers.CharField(required=False, help_text=LANGUAGE_HELP)


class FiltersAppliedSerializer(serializers.Serializer):
    genres = NamesField(required=False)
    exclude_genres = NamesField(required=False)
    actors = NamesField(required=False)
    directors = NamesField(required=False)
    languages = NamesField(required=False)
    countries = NamesField(required=False)
    min_year = serializers.IntegerField(required=False)
    max_year = serializers.IntegerField(required=False)
    min_runtime = serializers.IntegerField(required=False, help_text="Minutes.")
    max_runtime = serializers.IntegerField(required=False, help_text="Minutes.")


def list_body(user_id: int | str | None, answer: Answer) -> dict[str, Any]:
    """Return the body of a call that answers with one list. `user_id`: as the call named the viewer."""
    body = {"user_id": user_id, "recommendations": recommended_movies(answer), **list_info(answer)}
    body["next"] = answer.next_cursor
    if answer.is_drawn:
        body["is_drawn"] = True
    notes = {
        "reason": answer.empty_reason,
        "unknown_names": answer.unknown_names,
        "suggestions": answer.suggestions,
        "language": answer.language,
    }
    return body | {name: value for name, value in notes.items() if value}


def filtered_list_body(user_id: int | str | None, answer: Answer, filters: Filters) -> dict[str, Any]:
    """Return the body of a call that answers with one filtered list."""
    return list_body(user_id, answer) | {"filters_applied": filters.as_dict()}


def recommended_movies(answer: Answer) -> list[dict[str, Any]]:
    """Return the movies of a list with their scores; with cards and explanations where the answer has them."""
    movies: list[dict[str, Any]]
    if answer.movie_cards is None:
        texts = movie_id_texts(movie_id for movie_id, _ in answer.recommendations)
        movies = [
            {"movie_id": text, "score": score} for text, (_, score) in zip(texts, answer.recommendations, strict=True)
        ]
    else:
        cards = answer.movie_cards
        movies = [{**movie_card(movie_id, cards), "score": score} for movie_id, score in answer.recommendations]
    for movie, explanation in zip(movies, answer.explanations or (), strict=False):
        movie["because"] = [
            {"movie_id": movie_id_text(cause.movie_id), "title": cause.title, "effect": cause.effect}
            for cause in explanation.causes
        ]
        movie["fact"] = explanation.fact
    return movies


def list_info(answer: Answer) -> dict[str, Any]:
    """Return what an answer says of its list beside the movies."""
    return {
        "source": answer.source,
        "model_version": answer.model_version,
        "recommendation_id": answer.recommendation_id,
        "made_at": None if answer.made_at is None else datetime.fromtimestamp(answer.made_at, UTC).isoformat(),
        "is_known_user": answer.is_known_viewer,
        "degraded": answer.degraded,
        "ignored_history": answer.unused_history,
        "removed": answer.removal_counts,
    }


def movie_card(movie_id: int, cards: Mapping[int, MovieCard | DetailedCard]) -> dict[str, Any]:
    """Return what a client shows of a movie. `cards` by movie id."""
    movie: dict[str, Any] = {"movie_id": movie_id_text(movie_id)}
    card = cards.get(movie_id)  # absent: deleted since the list was made
    if card is None:
        return movie | {"title": None, "genres": [], "year": None, "poster_url": ""}
    movie |= {"title": card.title, "genres": card.genres, "year": card.year, "poster_url": card.poster_url}
    if isinstance(card, DetailedCard):
        movie |= {name: getattr(card, name) for name in DETAIL_NAMES}
    return movie
