"""The bodies and queries that the API takes. One instance of each serves all requests: they keep no state."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from rest_framework import serializers
from rest_framework.fields import empty

from catalog.api.age_limits import AGE_LIMIT_HELP, CERTIFICATE_HELP, CertificateField
from catalog.api.strict import EVENT_HINTS, StrictSerializer
from catalog.limits import MAX_ID
from catalog.models import MAX_AGE_LIMIT
from recommender.api.fields import (
    MovieId,
    MovieIds,
    Names,
    QueryMovieIds,
    StarRating,
    StrictBoolean,
    StrictFloat,
    StrictInteger,
    StrictString,
    StrictUUID,
    Timestamp,
)
from recommender.api.group import ViewerIds, reject_single_viewer_fields
from recommender.ingest.events import KINDS

JSON_NUMBER = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,20})?(e[+-]?[0-9]{1,4})?\Z", re.IGNORECASE)
MAX_RUNTIME = 32_767  # minutes
LIKED_GENRES_HELP = "For a viewer whose taste is not known yet: popular films, those with more of these genres first."
MAX_TOP_K = 200
MAX_BATCH_VIEWERS = 1000
MAX_EXPLAINED_VIEWERS = 20  # viewers of a batch: each costs a small batch of the model
MAX_EVENTS = 1000


class UserId(StrictInteger):
    def __init__(self, **options: Any) -> None:
        super().__init__(min_value=1, max_value=MAX_ID, help_text="The site's own number of a viewer.", **options)


class TopK(StrictInteger):
    def __init__(self, default: int, **options: Any) -> None:
        super().__init__(min_value=1, max_value=MAX_TOP_K, default=default, **options)


class FastSerializer(StrictSerializer):
    """Reads what is there: an absent field costs its default and no more, where the base class asks every field. A
    parameter of a query is read as the JSON of its field's type."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, Mapping):
            return super().to_internal_value(data)
        values, errors = {}, self.unknown_field_errors(data)
        for name, one in self.fields.items():
            try:
                if name in data or one.required:
                    values[name] = one.run_validation(data.get(name, empty))
                elif one.default is not empty:
                    values[name] = one.get_default()
            except serializers.ValidationError as error:
                errors[name] = error.detail
        if errors:
            raise serializers.ValidationError(errors)
        return values

    def is_multi_valued(self, field: serializers.Field) -> bool:
        return isinstance(field, MovieIds | Names)

    def parse_texts(self, field: serializers.Field, texts: Sequence[str]) -> Any:
        text = texts[-1]
        if isinstance(field, MovieIds):  # said several times, or once with commas
            return [one for text in texts for one in text.split(",")]
        if isinstance(field, Names):  # said several times: a name may have a comma in it
            return list(texts)
        if isinstance(field, StrictBoolean):
            return {"true": True, "1": True, "false": False, "0": False}.get(text.lower(), text)
        if isinstance(field, StrictInteger | Timestamp | StrictFloat) and JSON_NUMBER.match(text):
            return int(text) if text.removeprefix("-").isdigit() else float(text)
        return text


class AgeLimitFields(FastSerializer):
    """In every call that lists films; queries.age_limit() reads it."""

    age_limit = StrictInteger(required=False, min_value=0, max_value=MAX_AGE_LIMIT, help_text=AGE_LIMIT_HELP)
    certificate = CertificateField(required=False, help_text=CERTIFICATE_HELP)


class ListRequestSerializer(AgeLimitFields):
    top_k = TopK(20, help_text="How many films at most.")
    at = Timestamp(required=False, help_text="The moment asked for, which the model uses for the gaps between watches.")
    exclude = MovieIds(default=list, help_text="Films that must not be listed.")
    explain = StrictBoolean(default=False, help_text="Whether the reasons of each film come along: because and fact.")
    diversity = StrictFloat(
        default=0.0,
        min_value=0,
        max_value=1,
        help_text="0: the best films in order. Towards 1: fewer that are alike, of one series or of one director.",
    )


class TitlesField(StrictBoolean):
    def __init__(self, **options: Any) -> None:
        words = "Whether title, year, genres and poster_url come along."
        super().__init__(default=False, help_text=words, **options)


class FilterFields(FastSerializer):
    """What films may be asked for by, in every call that lists films; queries.filters() reads it."""

    genres = Names(required=False, help_text="Any of them.")
    exclude_genres = Names(required=False, help_text="None of them.")
    actors = Names(required=False, help_text="Any of them.")
    directors = Names(required=False, help_text="Any of them.")
    languages = Names(required=False, help_text="Any of them, as BCP 47 tags: en stands for en-GB too.")
    min_year = StrictInteger(required=False, min_value=1800, max_value=2200, help_text="Inclusive.")
    max_year = StrictInteger(required=False, min_value=1800, max_value=2200, help_text="Inclusive.")
    min_runtime = StrictInteger(required=False, min_value=1, max_value=MAX_RUNTIME, help_text="Minutes, inclusive.")
    max_runtime = StrictInteger(required=False, min_value=1, max_value=MAX_RUNTIME, help_text="Minutes, inclusive.")


# What /recommend does not do; another call does.
FILTERS_HINTS = dict.fromkeys((*FilterFields().fields, "final_k"), "POST /recommend/filtered takes it.")


class RecommendQuerySerializer(ListRequestSerializer):
    hints = {**FILTERS_HINTS, **dict.fromkeys(("history", "user_ids"), "POST /recommend takes it.")}

    user_id = UserId()
    liked_genres = Names(default=list, help_text=LIKED_GENRES_HELP)
    exclude = QueryMovieIds(default=list, help_text="Films that must not be listed, separated by commas.")
    titles = TitlesField()


class RecommendRequestSerializer(ListRequestSerializer):
    hints = FILTERS_HINTS

    user_id = UserId(required=False)
    user_ids = ViewerIds(required=False)
    titles = TitlesField()
    liked_genres = Names(default=list, help_text=LIKED_GENRES_HELP)
    history = MovieIds(default=list, help_text="Film ids, oldest first, in place of the viewer's own history.")

    def validate(self, values: dict[str, Any]) -> dict[str, Any]:
        if "user_ids" in values:
            return reject_single_viewer_fields(values)
        if "user_id" not in values and not values["history"] and not values["liked_genres"]:
            raise serializers.ValidationError({"user_id": "is needed where no history and no liked_genres are sent."})
        return values


class FilteredRequestSerializer(FilterFields, RecommendRequestSerializer):
    hints = {"titles": "titles always come along here."}

    titles = None  # type: ignore[assignment]
    top_k = TopK(50, help_text="The pool of films that satisfy the filters.")
    final_k = TopK(20, help_text="How many of the pool are returned.")


class SimilarRequestSerializer(AgeLimitFields):
    movie_id = MovieId()
    user_id = UserId(required=False)
    top_k = TopK(20)


class HistoriesField(serializers.DictField):
    """Viewer id (text, as a JSON key is) to film ids."""

    child = MovieIds()

    def to_internal_value(self, data: Any) -> dict[str, list[str]]:
        if isinstance(data, Mapping) and len(data) > MAX_BATCH_VIEWERS:
            raise serializers.ValidationError(f"holds {len(data)} viewers; the limit is {MAX_BATCH_VIEWERS}.")
        return dict(super().to_internal_value(data))


class BatchRequestSerializer(ListRequestSerializer):
    user_histories = HistoriesField(help_text="Film ids, oldest first, for each viewer id; empty: the viewer's own.")

    def validate(self, values: dict[str, Any]) -> dict[str, Any]:
        if values["explain"] and len(values["user_histories"]) > MAX_EXPLAINED_VIEWERS:
            told = f"is for {MAX_EXPLAINED_VIEWERS} viewers at most; there are {len(values['user_histories'])}."
            raise serializers.ValidationError({"explain": told})
        return values


class CacheBatchRequestSerializer(FastSerializer):
    user_histories = HistoriesField(required=False, help_text="Only these viewers; left out: all.")
    active_days = StrictInteger(
        required=False, min_value=1, max_value=36_500, help_text="Only viewers with an event in the last so many days."
    )
    top_k = TopK(50, help_text="How many films each stored list must hold at least.")

    def validate(self, values: dict[str, Any]) -> dict[str, Any]:
        if "active_days" in values and "user_histories" in values:
            raise serializers.ValidationError({"active_days": "cannot stand beside user_histories, which names them."})
        return values


class EventRequestSerializer(FastSerializer):
    hints = EVENT_HINTS

    user_id = UserId()
    movie_id = MovieId()
    kind = serializers.ChoiceField(KINDS)
    occurred_at = Timestamp(required=False, help_text="Default now; at most five minutes ahead of the server's clock.")
    rating = StarRating(required=False, help_text="Stars in halves; needed for the kind rating.")
    completion = StrictFloat(
        required=False, min_value=0, max_value=1, help_text="The share of the film that was watched."
    )
    event_id = StrictUUID(required=False, help_text="Sent twice, it counts once; with other content it is a conflict.")
    session = StrictBoolean(
        default=False, help_text="Whether the viewer is an anonymous session, to be merged into an account."
    )
    recommendation_id = StrictString(
        r"^[A-Za-z0-9._:-]{1,64}\Z", required=False, help_text="Kept for impression and click."
    )
    position = StrictInteger(required=False, min_value=0, max_value=32_767, help_text="Kept for impression and click.")

    def validate(self, values: dict[str, Any]) -> dict[str, Any]:
        if values["kind"] == "rating" and "rating" not in values:
            raise serializers.ValidationError({"rating": "is needed for the kind rating."})
        return values


class EventsBodySerializer(serializers.Serializer):
    """One event, a list of them, or that list under `events`; schema.py writes its three forms down."""


EVENT_SERIALIZER = EventRequestSerializer()  # one for all requests: it keeps no state
