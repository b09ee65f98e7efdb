"""What the catalogue's calls take and give."""

from typing import Any

from rest_framework import serializers

DEFAULT_PAGE, LARGEST_PAGE = 50, 1000  # films
LARGEST_ID = 2**31 - 1


class LookedFor(serializers.CharField):
    """Text to look for. A null character, which Postgres cannot hold, is in nothing that can be found."""

    def run_validation(self, data: Any = serializers.empty) -> Any:
        return super().run_validation(data.replace("\0", "\ufffd") if isinstance(data, str) else data)


class MoviesQuery(serializers.Serializer):
    page_size = serializers.IntegerField(
        default=DEFAULT_PAGE,
        min_value=1,
        max_value=LARGEST_PAGE,
        error_messages={"max_value": "page_size is at most {max_value}.", "min_value": "page_size is at least 1."},
    )
    cursor = serializers.IntegerField(
        default=0,
        min_value=0,
        max_value=LARGEST_ID,
        help_text="From `next` of the page before; without it the first page.",
        error_messages=dict.fromkeys(
            ("invalid", "min_value", "max_value", "max_string_length"), "cursor is not one that a page gave as `next`."
        ),
    )
    search = LookedFor(default="", allow_blank=True, max_length=100, help_text="A part of the title.")
    genre = LookedFor(default="", allow_blank=True, max_length=60, help_text="The name of a genre.")


class MovieSerializer(serializers.Serializer):
    movie_id = serializers.CharField()
    title = serializers.CharField()
    year = serializers.IntegerField(allow_null=True)
    genres = serializers.ListField(child=serializers.CharField())
    poster_url = serializers.CharField(allow_blank=True)


class MovieDetailsSerializer(MovieSerializer):
    original_title = serializers.CharField(allow_blank=True)
    overview = serializers.CharField(allow_blank=True)
    runtime = serializers.IntegerField(allow_null=True, help_text="Minutes.")
    certificate = serializers.CharField(allow_blank=True)
    language = serializers.CharField(allow_blank=True)
    imdb_id = serializers.CharField(allow_blank=True)
    tmdb_id = serializers.IntegerField(allow_null=True)
    directors = serializers.ListField(child=serializers.CharField())
    actors = serializers.ListField(child=serializers.CharField(), help_text="In billing order.")


class MoviePageSerializer(serializers.Serializer):
    results = MovieSerializer(many=True)
    next = serializers.URLField(allow_null=True, help_text="The address of the next page; null on the last.")
