"""POST /similar: movies like a movie."""

from django.http import Http404
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from recommender.api.base_view import ApiView
from recommender.api.fields import MovieId, TopK, UserId
from recommender.api.list_requests import AudienceFields, SeenFields, effective_age_limit
from recommender.api.openapi.operations import operation
from recommender.movies.movie_ids import parse_movie_id
from recommender.serving.similar import MovieNotFound, find_similar


class SimilarRequestSerializer(AudienceFields, SeenFields):
    movie_id = MovieId()
    user_id = UserId(required=False)
    top_k = TopK(20)


class NeighbourSerializer(serializers.Serializer):
    movie_id = serializers.CharField()
    similarity = serializers.FloatField(min_value=0, max_value=1)


class SimilarAnswerSerializer(serializers.Serializer):
    movie_id = serializers.CharField()
    similar = NeighbourSerializer(many=True)
    source = serializers.ChoiceField(  # type: ignore[assignment]
        ["model", "content"], help_text="By content and by what the model learned, or by content alone."
    )
    model_version = serializers.CharField(allow_null=True)
    recommendation_id = serializers.CharField()
    degraded = serializers.BooleanField()
    removed = serializers.DictField(child=serializers.IntegerField(), help_text="As for a list.")
    ignored_history = serializers.ListField(child=serializers.CharField())


class SimilarView(ApiView):
    """Serve POST /similar."""

    allow_viewer_token = True

    @operation(
        "similar",
        "Films like a film.",
        SimilarAnswerSerializer,
        request=SimilarRequestSerializer,
        example={"movie_id": "1", "top_k": 20},
    )
    def post(self, request: Request) -> Response:
        """List the movies that are most like a movie."""
        values = self.validated
        movie_id = values["movie_id"]
        try:
            answer = find_similar(
                parse_movie_id(movie_id),
                values["top_k"],
                effective_age_limit(values),
                values.get("user_id"),
                country=values.get("country", ""),
                seen=values["seen"],
            )
        except MovieNotFound:
            raise Http404(f"The catalogue has no film {movie_id}.") from None
        return Response(
            {
                "movie_id": movie_id,
                "similar": [
                    {"movie_id": str(neighbour), "similarity": similarity}
                    for neighbour, similarity in zip(answer.movie_ids, answer.similarities, strict=True)
                ],
                "source": answer.source,
                "model_version": answer.model_version,
                "recommendation_id": answer.recommendation_id,
                "degraded": answer.degraded,
                "removed": answer.removal_counts,
                "ignored_history": [],
            }
        )
