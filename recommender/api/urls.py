"""The API's addresses, exactly as the brief has them: without a slash at the end."""

from django.urls import path

from recommender.api import (
    base_view,
    charts,
    history_import,
    home,
    imports_exports,
    merges,
    user_data,
    viewer_tokens,
)
from recommender.api.openapi import documents

urlpatterns = [
    path("recommend", base_view.RecommendView.as_view()),
    path("recommend/filtered", base_view.FilteredView.as_view()),
    path("similar", base_view.SimilarView.as_view()),
    path("home", home.HomeView.as_view()),
    path("popular", charts.PopularView.as_view()),
    path("trending", charts.TrendingView.as_view()),
    path("latest", charts.LatestView.as_view()),
    path("batch/recommend", base_view.BatchRecommendView.as_view()),
    path("batch/recommend/cache", base_view.BatchCacheView.as_view()),
    path("jobs/<uuid:job_id>", base_view.JobView.as_view()),
    path("jobs/<uuid:job_id>/rejected", imports_exports.RejectedView.as_view()),
    path("imports/<str:kind>", imports_exports.ImportsView.as_view()),
    path("exports/<slug:kind>.<slug:form>", imports_exports.ExportsView.as_view()),
    path("events", base_view.EventsView.as_view()),
    path("users/<int:user_id>/data", user_data.UserDataView.as_view()),
    path("users/<int:user_id>/history", history_import.HistoryImportView.as_view()),
    path("users/merge", merges.MergeView.as_view()),
    path("users/merge/undo", merges.UndoView.as_view()),
    path("viewer-tokens", viewer_tokens.ViewerTokensView.as_view()),
    path("health/live", base_view.LiveView.as_view()),
    path("health/ready", base_view.ReadyView.as_view()),
    path("health/system", base_view.SystemView.as_view()),
    path("schema", documents.SchemaView.as_view(), name="schema"),
    path("docs", documents.DocsView.as_view(url_name="schema")),
]
