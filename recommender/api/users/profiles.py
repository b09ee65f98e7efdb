"""GET, PUT and PATCH /users/{id}: what the site knows of a viewer; and the profiles of an account."""

from typing import Any

from django.http import Http404
from django.utils import timezone
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import APIException
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.response import Response

from catalog import selectors, services
from catalog.api.strict import token_viewer
from catalog.errors import AccountFullError
from catalog.keys import MAX_KEY_LENGTH, Key, parse_key
from catalog.models import MAX_AGE_LIMIT
from catalog.validators import COUNTRY_PATTERN, LANGUAGE_PATTERN
from recommender.api.base_view import ApiView
from recommender.api.fast_serializer import FastSerializer
from recommender.api.fields import (
    MAX_LANGUAGE_LENGTH,
    VIEWER_KEY_SCHEMA,
    JsonInteger,
    JsonString,
    UserIdAnswer,
    named_viewer,
)
from recommender.api.openapi.operations import operation
from recommender.api.users.path_viewer import viewer_of_path
from recommender.api.users.user_data import TrainedModelSerializer
from recommender.models import ApiKey
from recommender.viewers import profiles

NOBODY = 0  # the id of no viewer


@extend_schema_field({"anyOf": [*VIEWER_KEY_SCHEMA["anyOf"], {"type": "null"}]})
class AccountKeyAnswer(serializers.Field):
    """An account's key in an answer; null for none."""


@extend_schema_field({"anyOf": [*VIEWER_KEY_SCHEMA["anyOf"], {"type": "null"}]})
class AccountKey(serializers.Field):
    """An account's key, as a string or a number; the value is text, empty for none."""

    def to_internal_value(self, data: Any) -> str:
        """Return the parsed value. Raises ValidationError."""
        named = named_viewer(data)  # an account's key is written as a viewer's is
        if named is None:
            raise serializers.ValidationError(
                f"an account's key is a string of 1 to {MAX_KEY_LENGTH} printable characters, or a number from 1."
            )
        return str(named.key)


class ProfileValuesSerializer(FastSerializer):
    age_limit = JsonInteger(
        required=False,
        allow_null=True,
        min_value=0,
        max_value=MAX_AGE_LIMIT,
        help_text="Years: films for older people are never listed. null: no limit.",
    )
    language = JsonString(
        LANGUAGE_PATTERN,
        required=False,
        allow_null=True,
        max_length=MAX_LANGUAGE_LENGTH,
        help_text="A BCP 47 tag: de, pt-BR.",
    )
    country = JsonString(COUNTRY_PATTERN, required=False, allow_null=True, help_text="ISO 3166: US, DE.")
    account = AccountKey(
        required=False, allow_null=True, help_text="The key of the account that the profile belongs to. null: none."
    )


class CountsSerializer(serializers.Serializer):
    watched = serializers.IntegerField()
    rated = serializers.IntegerField()
    liked = serializers.IntegerField()
    disliked = serializers.IntegerField()
    hidden = serializers.IntegerField(help_text="Disliked, or marked as not interesting: never listed.")
    watchlist = serializers.IntegerField()


class ProfileSerializer(serializers.Serializer):
    user_id = UserIdAnswer()
    age_limit = serializers.IntegerField(allow_null=True)
    language = serializers.CharField(allow_null=True)
    country = serializers.CharField(allow_null=True)
    account = AccountKeyAnswer()
    session = serializers.BooleanField(help_text="Whether the viewer is an anonymous session.")
    created_at = serializers.DateTimeField()


class ProfileAnswerSerializer(ProfileSerializer):
    counts = CountsSerializer(help_text="Films, each once, by the last word on it.")


class WrittenProfileSerializer(ProfileSerializer):
    visible = serializers.BooleanField(help_text="Every later read knows of it; false: within seconds.")


class AccountProfilesSerializer(serializers.Serializer):
    account = UserIdAnswer()
    profiles = ProfileSerializer(many=True, help_text="In the order in which they came.")


class AccountErasedSerializer(serializers.Serializer):
    account = UserIdAnswer()
    erased_at = serializers.DateTimeField()
    user_ids = serializers.ListField(child=UserIdAnswer())
    events = serializers.IntegerField()
    impressions = serializers.IntegerField()
    jobs = serializers.IntegerField(help_text="Batches that a history of these viewers was sent with.")
    stored_lists = serializers.BooleanField(help_text="Gone from Redis as well; false: within seconds of its return.")
    trained_before = TrainedModelSerializer(many=True, help_text="Models that may have learned from their events.")
    in_training = serializers.ListField(
        child=serializers.UUIDField(), help_text="Jobs that may have read the events already."
    )


class AccountFull(APIException):
    """The account has as many profiles as it may."""

    status_code = 409
    default_code = "account_full"


class ReadWriteView(ApiView):
    """A view whose reads are open to users:read and to the viewer's own token, and whose writes are not."""

    write_scope: str = ApiKey.Scope.USERS_WRITE
    write_throttle_scope = "events"

    @property
    def required_scope(self) -> str:  # type: ignore[override]
        """The scope of the current call."""
        return ApiKey.Scope.USERS_READ if self._is_read() else self.write_scope

    @property
    def throttle_scope(self) -> str:  # type: ignore[override]
        """The budget that the current call counts against."""
        return "reads" if self._is_read() else self.write_throttle_scope

    @property
    def allow_viewer_token(self) -> bool:  # type: ignore[override]
        """Whether a viewer's token may make the current call."""
        return self._is_read()

    def _is_read(self) -> bool:
        request: Any = getattr(self, "request", None)
        return request is None or request.method in SAFE_METHODS


class ProfileView(ReadWriteView):
    """Serve GET, PUT and PATCH /users/{id}."""

    @operation("users_read", "What the site knows of a viewer. Scope users:read.", ProfileAnswerSerializer)
    def get(self, request: Request, user_id: str) -> Response:
        """Return a viewer's profile with counts. Raises Http404."""
        profile = known_profile(user_id)
        return Response(profile_body(profile) | {"counts": selectors.viewer_counts(profile.viewer_id)._asdict()})

    @operation(
        "users_put",
        "Makes a viewer, or writes the whole profile: what is left out is reset. Scope users:write.",
        WrittenProfileSerializer,
        request=ProfileValuesSerializer,
        status=(200, 201),
        example={"age_limit": 12, "language": "de", "country": "DE", "account": "family-7"},
    )
    def put(self, request: Request, user_id: str) -> Response:
        """Create a viewer or replace the profile. Raises AccountFull."""
        return _write(user_id, {**services.PROFILE_DEFAULTS, **_stored_values(self.validated)}, create=True)

    @operation(
        "users_update",
        "Changes what is named of a viewer's profile and leaves the rest. Scope users:write.",
        WrittenProfileSerializer,
        request=ProfileValuesSerializer,
        example={"age_limit": 12},
    )
    def patch(self, request: Request, user_id: str) -> Response:
        """Change the profile of a known viewer. Raises Http404, AccountFull."""
        return _write(user_id, _stored_values(self.validated), create=False)


class AccountProfilesView(ApiView):
    """Serve GET /accounts/{account}/profiles."""

    required_scope = ApiKey.Scope.USERS_READ

    @operation("accounts_profiles", "The profiles of an account. Scope users:read.", AccountProfilesSerializer)
    def get(self, request: Request, account: str) -> Response:
        """Return an account's profiles. Raises Http404."""
        found = selectors.account_profiles(account_of_path(account))
        if not found:
            raise Http404("No profile belongs to this account.")
        return Response({"account": key_value(account), "profiles": [profile_body(profile) for profile in found]})


class AccountDataView(ApiView):
    """Serve DELETE /accounts/{account}/data."""

    required_scope = ApiKey.Scope.ERASE
    throttle_scope = "batch"

    @operation("accounts_erase", "Erases every profile of an account everywhere.", AccountErasedSerializer)
    def delete(self, request: Request, account: str) -> Response:
        """Erase the viewers of an account."""
        erased, results = profiles.erase_account(account_of_path(account))
        return Response(
            {
                "account": key_value(account),
                "erased_at": timezone.now(),
                "user_ids": [profile.key for profile in erased],
                "events": sum(result.events for result in results),
                "impressions": sum(result.impressions for result in results),
                "jobs": sum(result.jobs for result in results),
                "stored_lists": all(result.stored_lists for result in results),
                "trained_before": results[-1].models if results else [],
                "in_training": results[-1].trainings if results else [],
            }
        )


def account_of_path(account: str) -> str:
    """Return the key of the account that a path names. Raises Http404 for what is no key."""
    key = parse_key(account)
    if key is None:
        raise Http404(f"An account's key has 1 to {MAX_KEY_LENGTH} printable characters.")
    return str(key)


def known_profile(user_id: str) -> selectors.Profile:
    """Return the profile of the viewer that a path names. Raises Http404 for an unknown viewer."""
    profile = selectors.viewer_profile(viewer_of_path(user_id))
    if profile is None:
        raise Http404("There is no such viewer: nothing was ever sent of them, or they were erased.")
    return profile


def profile_to_read(request: Request, user_id: str) -> selectors.Profile:
    """Return the profile of the viewer that a path names. Raises Http404 for an unknown viewer.

    Who comes with a token of their own is one without a history, until something is sent of them.
    """
    key = viewer_of_path(user_id)
    if token_viewer(request) is None:
        return known_profile(user_id)
    viewer_id, key_text = (key, None) if isinstance(key, int) else (NOBODY, key)
    nothing = selectors.Profile(viewer_id, key_text, "", None, "", "", is_session=True, created_at=timezone.now())
    return selectors.viewer_profile(key) or nothing


def profile_body(profile: selectors.Profile) -> dict[str, Any]:
    """Return a profile as answers show it."""
    return {
        "user_id": profile.key,
        "age_limit": profile.age_limit,
        "language": profile.language or None,
        "country": profile.country or None,
        "account": key_value(profile.account) if profile.account else None,
        "session": profile.is_session,
        "created_at": profile.created_at,
    }


def key_value(text: str) -> Key:
    """Return a stored key as answers show it: a number where it is one."""
    key = parse_key(text)
    return text if key is None else key


def _stored_values(values: dict[str, Any]) -> dict[str, Any]:
    return {name: "" if value is None and name != "age_limit" else value for name, value in values.items()}


def _write(user_id: str, values: dict[str, Any], *, create: bool) -> Response:
    try:
        written = profiles.write_profile(viewer_of_path(user_id), values, create=create)
    except AccountFullError as error:
        raise AccountFull(str(error)) from None
    if written is None:
        raise Http404("There is no such viewer: PUT makes one.")
    body = profile_body(written.profile) | {"visible": written.visible}
    return Response(body, status=201 if written.is_new else 200)
