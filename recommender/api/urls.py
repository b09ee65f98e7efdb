"""The API's addresses, exactly as the brief has them: without a slash at the end."""

from django.urls import path

from recommender.api import bulk, charts, documents, history, home, merges, users, viewer_tokens, views

urlpatterns = [
    path("recommend", views.RecommendView.as_view()),
    path("recommend/filtered", views.FilteredView.as_view()),
    path("similar", views.SimilarView.as_view()),
    path("home", home.HomeView.as_view()),
    path("popular", charts.PopularView.as_view()),
    path("trending", charts.TrendingView.as_view()),
    path("latest", charts.LatestView.as_view()),
    path("batch/recommend", views.BatchRecommendView.as_view()),
    path("batch/recommend/cache", views.BatchCacheView.as_view()),
    path("jobs/<uuid:job_id>", views.JobView.as_view()),
    path("jobs/<uuid:job_id>/rejected", bulk.RejectedView.as_view()),
    path("imports/<str:kind>", bulk.ImportsView.as_view()),
    path("exports/<slug:kind>.<slug:form>", bulk.ExportsView.as_view()),
    path("events", views.EventsView.as_view()),
    path("users/<int:user_id>/data", users.UserDataView.as_view()),
    path("users/<int:user_id>/history", history.HistoryImportView.as_view()),
    path("users/merge", merges.MergeView.as_view()),
    path("users/merge/undo", merges.UndoView.as_view()),
    path("viewer-tokens", viewer_tokens.ViewerTokensView.as_view()),
    path("health/live", views.LiveView.as_view()),
    path("health/ready", views.ReadyView.as_view()),
    path("health/system", views.SystemView.as_view()),
    path("schema", documents.SchemaView.as_view(), name="schema"),
    path("docs", documents.DocsView.as_view(url_name="schema")),
]
