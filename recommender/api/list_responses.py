"""What the API answers, for the schema alone: answers are built as plain values in present.py."""

from rest_framework import serializers

from recommender.monitoring.checks import Status


class BecauseSerializer(serializers.Serializer):
    movie_id = serializers.CharField(help_text="A film that the viewer watched.")
    title = serializers.CharField()
    effect = serializers.FloatField(min_value=0, help_text="How much lower the score would be without it.")


class ScoredSerializer(serializers.Serializer):
    movie_id = serializers.CharField()
    score = serializers.FloatField(help_text="Higher is better; comparable within one list only.")
    because = BecauseSerializer(
        many=True, required=False, help_text="With explain: what raised the score most; may be empty."
    )
    fact = serializers.CharField(required=False, help_text="With explain: what it has in common with them, or empty.")


class TitledSerializer(ScoredSerializer):
    title = serializers.CharField(required=False, allow_null=True)
    genres = serializers.ListField(child=serializers.CharField(), required=False)
    year = serializers.IntegerField(required=False, allow_null=True)
    poster_url = serializers.CharField(required=False)


class AboutSerializer(serializers.Serializer):
    source = serializers.ChoiceField(  # type: ignore[assignment]
        ["cache", "model", "similar", "popular"], help_text="How the list came about."
    )
    model_version = serializers.CharField(allow_null=True)
    recommendation_id = serializers.CharField(help_text="Send it along with impressions and clicks.")
    is_known_user = serializers.BooleanField()
    degraded = serializers.BooleanField(help_text="A part is down; the list is right, it only cost more.")
    ignored_history = serializers.ListField(
        child=serializers.CharField(), help_text="Films that were sent and that the list does not build on."
    )
    removed = serializers.DictField(
        child=serializers.IntegerField(),
        help_text="How many films are kept out, by reason: seen, disliked, not_interested of the viewer's history; "
        "not_available, age_limit, merchandising, excluded of the films that the filters want.",
    )


class NamesField(serializers.ListField):
    child = serializers.CharField()


class EmptyListSerializer(serializers.Serializer):
    reason = serializers.CharField(required=False, help_text="Why the list is empty.")
    unknown_names = serializers.DictField(child=NamesField(), required=False, help_text="Names no film has.")


class RecommendAnswerSerializer(AboutSerializer, EmptyListSerializer):
    recommendations = TitledSerializer(many=True)
    user_id = serializers.IntegerField(allow_null=True)
    user_ids = serializers.ListField(
        child=serializers.IntegerField(), required=False, help_text="Who watch together; then user_id is null."
    )


class FiltersAppliedSerializer(serializers.Serializer):
    genres = NamesField(required=False)
    exclude_genres = NamesField(required=False)
    actors = NamesField(required=False)
    directors = NamesField(required=False)
    languages = NamesField(required=False)
    min_year = serializers.IntegerField(required=False)
    max_year = serializers.IntegerField(required=False)
    min_runtime = serializers.IntegerField(required=False, help_text="Minutes.")
    max_runtime = serializers.IntegerField(required=False, help_text="Minutes.")


class FilteredAnswerSerializer(RecommendAnswerSerializer):
    filters_applied = FiltersAppliedSerializer()


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


class BatchAnswerSerializer(serializers.Serializer):
    results = serializers.DictField(child=ScoredSerializer(many=True))
    total_users = serializers.IntegerField()
    success_count = serializers.IntegerField()
    failed_users = serializers.ListField(child=serializers.CharField(), help_text="Keys that are no viewer's id.")
    model_version = serializers.CharField(allow_null=True)
    degraded = serializers.BooleanField()
    lists = serializers.DictField(child=AboutSerializer(), help_text="What is to be known of each list.")


class JobAnswerSerializer(serializers.Serializer):
    job_id = serializers.UUIDField()
    kind = serializers.CharField()
    status = serializers.ChoiceField(["queued", "running", "done", "failed", "cancelled"])
    phase = serializers.CharField()
    done = serializers.IntegerField()
    total = serializers.IntegerField()
    result = serializers.DictField()
    error = serializers.CharField()
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)


class BatchJobAnswerSerializer(JobAnswerSerializer):
    failed_users = serializers.ListField(child=serializers.CharField(), help_text="Keys that are no viewer's id.")


class EventResultSerializer(serializers.Serializer):
    index = serializers.IntegerField()
    status = serializers.ChoiceField(["stored", "duplicate", "rejected", "conflict"])
    reason = serializers.CharField(required=False)
    fields = serializers.ListField(  # type: ignore[assignment]
        child=serializers.CharField(), required=False, help_text="Of a conflict: what is another than before."
    )


class EventsAnswerSerializer(serializers.Serializer):
    results = EventResultSerializer(many=True)
    stored = serializers.IntegerField()
    duplicates = serializers.IntegerField()
    rejected = serializers.IntegerField()
    conflicts = serializers.IntegerField(help_text="Events that are there with other content; nothing is changed.")
    visible = serializers.BooleanField(help_text="Every later read knows of all of them; false: within seconds.")


class LiveAnswerSerializer(serializers.Serializer):
    status = serializers.CharField()


class ReadyAnswerSerializer(LiveAnswerSerializer):
    parts = serializers.DictField(child=serializers.CharField())
    model_version = serializers.CharField(allow_null=True)
    warnings = serializers.ListField(child=serializers.CharField(), help_text="Disks that are full or nearly so.")


class SystemCheckSerializer(serializers.Serializer):
    name = serializers.CharField(help_text="For programs: it stays.")
    label = serializers.CharField()  # type: ignore[assignment]  # a field of the answer, as Field has one
    status = serializers.ChoiceField([*Status])
    value = serializers.CharField()
    detail = serializers.CharField(allow_blank=True)
    remedy = serializers.CharField(allow_blank=True, help_text="What to do; empty where nothing has to be done.")
    figures = serializers.DictField(child=serializers.FloatField(), help_text="Each with its unit in the name.")


class SystemAnswerSerializer(serializers.Serializer):
    status = serializers.ChoiceField([*Status], help_text="That of the worst check.")
    checked_at = serializers.DateTimeField()
    checks = SystemCheckSerializer(many=True)


class ProblemErrorSerializer(serializers.Serializer):
    pointer = serializers.CharField(required=False, help_text="JSON pointer into the body.")
    parameter = serializers.CharField(required=False, help_text="Name in the query.")
    detail = serializers.CharField()


class ProblemSerializer(serializers.Serializer):
    """RFC 9457."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    instance = serializers.CharField()
    request_id = serializers.CharField()
    code = serializers.CharField()
    errors = ProblemErrorSerializer(many=True, required=False)  # type: ignore[assignment]
