"""GET /users/{id}/taste: what the system thinks that a viewer likes, in words and numbers that a page can show."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.api.fields import TitleLanguageField
from catalog.api.strict import StrictSerializer
from recommender.api.base_view import ApiView
from recommender.api.fields import UserIdAnswer
from recommender.api.openapi.operations import operation
from recommender.api.users.profiles import profile_to_read
from recommender.models import ApiKey
from recommender.viewers.taste_profile import EMPTY_TASTE, Direction, build_taste_profile


class TasteQuerySerializer(StrictSerializer):
    language = TitleLanguageField()


class GenreTasteSerializer(serializers.Serializer):
    name = serializers.CharField()
    share = serializers.FloatField(help_text="Of the films that the viewer watched or rated, 0 to 1.")
    everyone = serializers.FloatField(help_text="Of what everyone watches, 0 to 1.")
    direction = serializers.ChoiceField(list(Direction), help_text="same: no further from everyone than by chance.")


class PersonTasteSerializer(serializers.Serializer):
    name = serializers.CharField()
    role = serializers.ChoiceField(["director", "actor"])
    films = serializers.IntegerField(help_text="Of theirs that the viewer liked.")


class DecadeTasteSerializer(serializers.Serializer):
    decade = serializers.IntegerField(help_text="Its first year.")
    films = serializers.IntegerField()


class LanguageTasteSerializer(serializers.Serializer):
    language = serializers.CharField(help_text="A BCP 47 tag.")
    films = serializers.IntegerField()


class TasteAnswerSerializer(serializers.Serializer):
    user_id = UserIdAnswer()
    events = serializers.IntegerField()
    films = serializers.IntegerField(help_text="Watched or rated, each once.")
    liked = serializers.IntegerField()
    mean_rating = serializers.FloatField(allow_null=True, help_text="Stars.")
    genres = GenreTasteSerializer(many=True, help_text="The most watched, and the most missed.")
    people = PersonTasteSerializer(many=True)
    decades = DecadeTasteSerializer(many=True, help_text="Without gaps.")
    languages = LanguageTasteSerializer(many=True)
    sentences = serializers.ListField(child=serializers.CharField(), help_text="What stands out, in words.")


class TasteView(ApiView):
    """Serve GET /users/{id}/taste."""

    required_scope = ApiKey.Scope.USERS_READ
    allow_viewer_token = True

    @operation(
        "users_taste",
        "What the system thinks that a viewer likes. Scope users:read.",
        TasteAnswerSerializer,
        parameters=[TasteQuerySerializer],
    )
    def get(self, request: Request, user_id: str) -> Response:
        """Return a viewer's taste. Raises Http404."""
        viewer = profile_to_read(request, user_id)
        taste = build_taste_profile(viewer.viewer_id, self.validated["title_languages"]) or EMPTY_TASTE
        body: dict[str, Any] = {
            "user_id": viewer.key,
            "events": taste.event_count,
            "films": taste.movie_count,
            "liked": taste.liked_count,
            "mean_rating": None if taste.mean_rating is None else round(taste.mean_rating, 2),
            "genres": [
                {
                    "name": taste.genre_names.get(genre.name, genre.name),
                    "share": round(genre.share, 4),
                    "everyone": round(genre.baseline_share, 4),
                    "direction": str(genre.direction),
                }
                for genre in taste.genres
            ],
            "people": [
                {"name": person.name, "role": person.role, "films": person.movie_count} for person in taste.people
            ],
            "decades": [{"decade": decade, "films": count} for decade, count in taste.decades],
            "languages": [
                {"language": language.language, "films": language.movie_count} for language in taste.languages
            ],
            "sentences": taste.sentences,
        }
        return Response(body)
