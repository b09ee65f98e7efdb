"""The API's addresses, without a slash at the end."""

from django.urls import path

from recommender.api import (
    batch,
    charts,
    demo_viewers,
    events,
    health,
    home,
    import_undo,
    imports_exports,
    insights,
    jobs,
    recommend,
    similar,
)
from recommender.api.lists import served
from recommender.api.openapi import documents
from recommender.api.stream import track
from recommender.api.users import event_deletion, lists, merges, profiles, taste, user_data, viewer_tokens

urlpatterns = [
    path("recommend", recommend.RecommendView.as_view()),
    path("recommend/filtered", recommend.FilteredView.as_view()),
    path("similar", similar.SimilarView.as_view()),
    path("similar/<key:movie_id>", similar.SimilarToView.as_view()),
    path("home", home.HomeView.as_view()),
    path("popular", charts.PopularView.as_view()),
    path("trending", charts.TrendingView.as_view()),
    path("latest", charts.LatestView.as_view()),
    path("recommendations/<key:recommendation_id>", served.ServedListView.as_view()),
    path("batch/recommend", batch.BatchRecommendView.as_view()),
    path("batch/recommend/cache", batch.BatchCacheView.as_view()),
    path("jobs/<uuid:job_id>", jobs.JobView.as_view()),
    path("jobs/<uuid:job_id>/import", import_undo.ImportUndoView.as_view()),
    path("jobs/<uuid:job_id>/rejected", imports_exports.RejectedView.as_view()),
    path("imports/<str:kind>", imports_exports.ImportsView.as_view()),
    path("exports/<slug:kind>.<slug:form>", imports_exports.ExportsView.as_view()),
    path("insights", insights.InsightsView.as_view()),
    path("events", events.EventsView.as_view()),
    path("events/<key:event_id>", event_deletion.EventView.as_view()),
    path("track", track.TrackView.as_view()),
    path("v1/<slug:call>", track.SegmentView.as_view()),
    path("users/<key:user_id>/data", user_data.UserDataView.as_view()),
    path("users/<key:user_id>/events", event_deletion.UserEventsView.as_view()),
    path("users/<key:user_id>/history", lists.HistoryView.as_view()),
    path("users/<key:user_id>/ratings", lists.RatingsView.as_view()),
    path("users/<key:user_id>/watchlist", lists.WatchlistView.as_view()),
    path("users/<key:user_id>/hidden", lists.HiddenView.as_view()),
    path("users/<key:user_id>/taste", taste.TasteView.as_view()),
    path("users/merge", merges.merge_or_viewer(profiles.ProfileView.as_view())),
    path("users/merge/undo", merges.UndoView.as_view()),
    path("users/<key:user_id>", profiles.ProfileView.as_view()),
    path("accounts/<key:account>/profiles", profiles.AccountProfilesView.as_view()),
    path("accounts/<key:account>/data", profiles.AccountDataView.as_view()),
    path("viewer-tokens", viewer_tokens.ViewerTokensView.as_view()),
    path("demo/viewers", demo_viewers.DemoViewersView.as_view()),
    path("demo/viewer-tokens", demo_viewers.DemoTokensView.as_view()),
    path("health/live", health.LiveView.as_view()),
    path("health/ready", health.ReadyView.as_view()),
    path("health/system", health.SystemView.as_view()),
    path("schema", documents.SchemaView.as_view(), name="schema"),
    path("docs", documents.DocsView.as_view(url_name="schema")),
]
