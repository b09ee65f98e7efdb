"""GET /popular, /trending and /latest: lists for everyone, without what a viewer has seen."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from recommender.api import answers, present, schema
from recommender.api.fields import FewFilmIds, Flag, Moment
from recommender.api.queries import filters, query
from recommender.api.serializers import AgeLimited, Filtering, Titles, TopK, UserId
from recommender.api.views import ApiView
from recommender.serving.charted import charted
from recommender.serving.query import ChartName


class ChartQuery(Filtering, AgeLimited):
    user_id = UserId(required=False)
    top_k = TopK(20, help_text="How many films at most.")
    exclude = FewFilmIds(default=list, help_text="Films that must not be listed, separated by commas.")
    titles = Titles()


class TrendingQuery(ChartQuery):
    personal = Flag(default=False, help_text="Mix the trend with the taste of the viewer, where user_id names one.")
    at = Moment(required=False, help_text="The moment asked for, which the model uses where personal is true.")


class ChartAnswer(answers.About, answers.Explained):
    user_id = serializers.IntegerField(allow_null=True)
    recommendations = answers.Titled(many=True)
    source = serializers.ChoiceField(  # type: ignore[assignment]
        ["popular", "trending", "trending_for_you", "latest"], help_text="How the list came about."
    )
    filters_applied = answers.FiltersApplied()


def _described(name: str, summary: str, asked: type[ChartQuery], description: str) -> Any:
    return schema.call(name, summary, ChartAnswer, parameters=[asked], description=description)


class ChartView(ApiView):
    opens_to_viewers = True

    def answered(self, name: ChartName) -> Response:
        values = self.asked
        asked = query(values, filters=filters(values))
        answer = charted(asked, name, for_you=values.get("personal", False))
        return Response(present.filtered(asked.user_id, answer, asked.filters))


class PopularView(ChartView):
    @_described("popular", "What everyone watches.", ChartQuery, "A watch counts half after every 180 days.")
    def get(self, request: Request) -> Response:
        return self.answered("popular")


class TrendingView(ChartView):
    @_described(
        "trending",
        "What is watched more than usual lately.",
        TrendingQuery,
        "Only films that are, so the list may be shorter than `top_k`. Lately ends where the data ends: imported "
        "events of years ago have a trend too. With `personal=true` it is mixed with the viewer's taste: the mean of "
        "61 / (61 + place) in the trend and in the model's ranking; `source` is then `trending_for_you`.",
    )
    def get(self, request: Request) -> Response:
        return self.answered("trending")


class LatestView(ChartView):
    @_described(
        "latest",
        "The newest films that can be watched now.",
        ChartQuery,
        "By the day since which they can be watched here, then by their year.",
    )
    def get(self, request: Request) -> Response:
        return self.answered("latest")
