"""What requests for lists have in common: the fields, and their translation for serving."""

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

from catalog.api.age_limits import AGE_LIMIT_HELP, CERTIFICATE_HELP, COUNTRY_HELP, CertificateField
from catalog.api.fields import CountryField
from catalog.models import MAX_AGE_LIMIT
from catalog.names.languages import NO_WISH
from catalog.selectors import strictest_age_limit
from recommender import experiments, viewer_keys
from recommender.api.fast_serializer import FastSerializer
from recommender.api.fields import JsonBoolean, JsonFloat, JsonInteger, MovieIds, Names, Timestamp, TopK
from recommender.models import Experiment
from recommender.movies.movie_ids import parse_movie_ids
from recommender.serving.request import FILTER_NAMES, SEEN, Filters, RecommendRequest

MAX_RUNTIME = 32_767  # minutes
SEEN_HELP = (
    "Films that the viewer has seen: left out, listed among the others, or alone, without those that got bad stars. "
    "Disliked films and those of no interest stay out. A list with seen films is computed; source never says cache."
)


class TitlesField(JsonBoolean):
    """Whether the movies of the list come with their cards."""

    def __init__(self, *, default: bool = False) -> None:
        super().__init__(default=default, help_text="Whether title, year, genres and poster_url come along.")


class AgeLimitFields(FastSerializer):
    """The age limit of a call that lists movies; `effective_age_limit` reads it."""

    age_limit = JsonInteger(required=False, min_value=0, max_value=MAX_AGE_LIMIT, help_text=AGE_LIMIT_HELP)
    certificate = CertificateField(required=False, help_text=CERTIFICATE_HELP)


class DetailsField(JsonBoolean):
    """Whether the movies of the list come with more than their cards."""

    def __init__(self, **options: Any) -> None:
        message = "Whether overview, runtime, certificate, directors and actors come along, beside the titles."
        super().__init__(default=False, help_text=message, **options)


class AudienceFields(AgeLimitFields):
    """For whom a call lists movies: of which age at most, and where."""

    country = CountryField(required=False, help_text=COUNTRY_HELP)


class SeenFields(FastSerializer):
    """Whether a list has what its viewer has seen."""

    seen = serializers.ChoiceField(SEEN, default="exclude", help_text=SEEN_HELP)


class ListRequestSerializer(AudienceFields, SeenFields):
    """The fields of every request for a personal list."""

    top_k = TopK(20, help_text="How many films at most.")
    at = Timestamp(required=False, help_text="The request time, which the model uses for the gaps between watches.")
    exclude = MovieIds(default=list, help_text="Films that must not be listed.")
    explain = JsonBoolean(default=False, help_text="Whether each film comes with its reasons: because and fact.")
    diversity = JsonFloat(
        default=0.0,
        min_value=0,
        max_value=1,
        help_text="0: the best films in order. Towards 1: fewer that are alike, of one series or of one director.",
    )


class FilterFields(FastSerializer):
    """The attribute filters of a call that lists movies; `to_filters` reads them."""

    genres = Names(required=False, help_text="Any of them.")
    exclude_genres = Names(required=False, help_text="None of them.")
    actors = Names(required=False, help_text="Any of them.")
    directors = Names(required=False, help_text="Any of them.")
    languages = Names(required=False, help_text="Any of them, as BCP 47 tags: en stands for en-GB too.")
    countries = Names(required=False, help_text="Any of them, of origin: US, GB.")
    min_year = JsonInteger(required=False, min_value=1800, max_value=2200, help_text="Inclusive.")
    max_year = JsonInteger(required=False, min_value=1800, max_value=2200, help_text="Inclusive.")
    min_runtime = JsonInteger(required=False, min_value=1, max_value=MAX_RUNTIME, help_text="Minutes, inclusive.")
    max_runtime = JsonInteger(required=False, min_value=1, max_value=MAX_RUNTIME, help_text="Minutes, inclusive.")


def to_request(values: Mapping[str, Any], **more: Any) -> RecommendRequest:
    """Return the request to serving for validated values; `more`: fields of it that are no values of the call."""
    requested_at = values.get("at")
    key = values["user_id"].key if "user_id" in values else None
    group = [viewer.key for viewer in values.get("user_ids", ())]
    ids = viewer_keys.viewer_ids(group if key is None else [key])
    return RecommendRequest(
        viewer_id=None if key is None else ids.get(key),
        viewer_key=key,
        viewer_ids=[ids.get(member) for member in group],
        viewer_keys=group,
        history=parse_movie_ids(values.get("history", ())),
        history_texts=values.get("history", ()),
        top_k=values["top_k"],
        exclude=parse_movie_ids(values["exclude"]),
        liked_genres=values.get("liked_genres", ()),
        age_limit=effective_age_limit(values),
        country=values.get("country", ""),
        title_languages=values.get("title_languages", NO_WISH),
        requested_at=None if requested_at is None else max(0, int(requested_at.timestamp())),
        titles=values.get("titles", False) or values.get("details", False),
        details=values.get("details", False),
        explain=values.get("explain", False),
        **_in_arm(values, ids.get(key) if key is not None else None),
        page=values.get("page"),
        **more,
    )


def _in_arm(values: Mapping[str, Any], viewer_id: int | None) -> dict[str, Any]:
    """Return what the experiment that the viewer is in says of the call; what the call asks for goes first, and a group
    or a history that was sent is in none."""
    diversity, seen = values.get("diversity", 0.0), values.get("seen", "exclude")
    plain = {"diversity": diversity, "seen": seen}
    is_home = "rows" in values
    if not is_home and ("diversity" not in values or diversity or "user_ids" in values or values.get("history")):
        return plain
    surface = Experiment.Surface.HOME if is_home else Experiment.Surface.LISTS
    arm = experiments.assign(viewer_id, surface)
    if arm is None:
        return plain
    if is_home:
        return {**plain, "arm_id": arm.arm_id, "home_order": arm.home_order or ()}
    if seen == "exclude" and arm.with_seen:
        seen = "include"
    return {
        "diversity": arm.diversity or 0.0,
        "freshness": arm.freshness or 0.0,
        "seen": seen,
        "arm_id": arm.arm_id,
        "model": arm.model,
    }


def sent_viewer(values: Mapping[str, Any]) -> int | str | None:
    """Return the viewer's id as the call names it, for the answer to repeat; None where it names nobody."""
    return values["user_id"].sent if "user_id" in values else None


def to_filters(values: Mapping[str, Any]) -> Filters:
    """Return the attribute filters of validated values."""
    return Filters(**{name: values[name] for name in FILTER_NAMES if name in values})


def effective_age_limit(values: Mapping[str, Any]) -> int | None:
    """Return the age limit in years: the stricter of `age_limit` and `certificate`; None without either."""
    return strictest_age_limit(values.get("age_limit"), values.get("certificate"))
