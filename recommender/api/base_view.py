"""The doors: validate, one call, respond."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any
from uuid import UUID

from django.http import Http404
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.api.strict import StrictView
from catalog.services import EventStatus
from recommender.api import group, jobs, present
from recommender.api.http import conditional_get
from recommender.api.http.errors import EventConflict
from recommender.api.openapi import operations
from recommender.api.queries import (
    batch_job_parameters,
    effective_age_limit,
    to_batch_requests,
    to_client_events,
    to_filtered_request,
    to_request,
)
from recommender.ingest.events import record_client_events
from recommender.models import ApiKey, Job
from recommender.monitoring import disk_checks, readiness, system_health
from recommender.monitoring.checks import Status
from recommender.movies.movie_ids import parse_movie_id
from recommender.serving import concurrency
from recommender.serving.bulk import recommend_many
from recommender.serving.pipeline import recommend
from recommender.serving.similar import MovieNotFound, find_similar


class ApiView(StrictView):
    required_scope: str = ApiKey.Scope.READ
    throttle_scope = "reads"
    allow_viewer_token = False  # to a viewer's token

    @contextmanager
    def reading_limits(self, request: Request) -> Iterator[None]:
        client: Any = request.auth
        concurrency.begin_call(
            client.prefix if client else request.META.get("REMOTE_ADDR", ""), interactive=self.throttle_scope != "batch"
        )
        yield

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        # True now is not true later: no cache on the way may keep an answer.
        kept = request.method == "GET" and response.status_code == 200 and self.throttle_scope == "reads"
        response.headers.setdefault("Cache-Control", conditional_get.REVALIDATE if kept else "private, no-store")
        if kept:
            response.headers["Vary"] = "Authorization"
            response.add_post_render_callback(partial(conditional_get.apply_etag, request._request))
        return super().finalize_response(request, response, *args, **kwargs)


class RecommendView(ApiView):
    allow_viewer_token = True

    @operations.recommend_get
    def get(self, request: Request) -> Response:
        asked = to_request(self.validated)
        return Response(present.list_body(asked.viewer_id, recommend(asked)))

    @operations.recommend_post
    def post(self, request: Request) -> Response:
        asked = to_request(self.validated)
        return Response(group.with_user_ids(asked, present.list_body(asked.viewer_id, group.answer(asked))))


class FilteredView(ApiView):
    allow_viewer_token = True

    @operations.filtered
    def post(self, request: Request) -> Response:
        asked = to_filtered_request(self.validated)
        return Response(
            group.with_user_ids(asked, present.filtered_list_body(asked.viewer_id, group.answer(asked), asked.filters))
        )


class SimilarView(ApiView):
    allow_viewer_token = True

    @operations.similar
    def post(self, request: Request) -> Response:
        asked = self.validated
        try:
            found = find_similar(
                parse_movie_id(asked["movie_id"]), asked["top_k"], effective_age_limit(asked), asked.get("user_id")
            )
        except MovieNotFound:
            raise Http404(f"The catalogue has no film {asked['movie_id']}.") from None
        return Response(present.similar_body(asked["movie_id"], found))


class BatchRecommendView(ApiView):
    throttle_scope = "batch"

    @contextmanager
    def reading_limits(self, request: Request) -> Iterator[None]:
        """In the lane of bulk work: whoever has to come back costs next to nothing."""
        with super().reading_limits(request), concurrency.BULK_LISTS.slot(), concurrency.bulk_turn():
            yield

    @operations.batch
    def post(self, request: Request) -> Response:
        with concurrency.BULK_LISTS.slot():
            with concurrency.bulk_turn():
                queries, failed = to_batch_requests(self.validated)
            answers = recommend_many(list(queries.values()))
            with concurrency.bulk_turn():
                return Response(present.batch_body(dict(zip(queries, answers, strict=True)), failed))


class BatchCacheView(ApiView):
    required_scope = ApiKey.Scope.BATCH
    throttle_scope = "batch"

    @operations.batch_cache
    def post(self, request: Request) -> Response:
        asked, failed = batch_job_parameters(self.validated)
        job = jobs.create_batch_job(request.auth, request.headers.get("Idempotency-Key"), asked)  # type: ignore[arg-type]
        return Response(present.batch_job_body(job, failed), status=202, headers={"Location": f"/jobs/{job.pk}"})


class JobView(ApiView):
    or_scopes = tuple(ApiKey.Scope)  # whoever may start a job may follow it

    @operations.job
    def get(self, request: Request, job_id: UUID) -> Response:
        job = Job.objects.filter(pk=job_id).first()
        if job is None:
            raise Http404(f"There is no job {job_id}.")
        return Response(present.job_body(job))


class EventsView(ApiView):
    required_scope = ApiKey.Scope.EVENTS
    throttle_scope = "events"

    @operations.events
    def post(self, request: Request) -> Response:
        outcome = record_client_events(to_client_events(request.data))
        alone = isinstance(request.data, dict) and "events" not in request.data
        if alone and outcome.results[0].status == EventStatus.CONFLICT:
            raise EventConflict(outcome.results[0].reason)
        return Response(present.events_body(outcome))


class HealthView(ApiView):
    """For the machines that watch: no key, no throttle."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    throttle_classes = ()
    throttle_scope = "health"


class LiveView(HealthView):
    @operations.live
    def get(self, request: Request) -> Response:
        return Response({"status": "live"})


class ReadyView(HealthView):
    @operations.ready
    def get(self, request: Request) -> Response:
        found = readiness.check_readiness()
        return Response(present.readiness_body(found, disk_checks.disk_warnings()), status=200 if found.ready else 503)


class SystemView(ApiView):
    """What the admin's first page and `manage.py status` show as well."""

    required_scope = ApiKey.Scope.STATUS
    opens_on_this_machine = True

    @operations.system
    def get(self, request: Request) -> Response:
        found = system_health.check_system()
        return Response(present.system_body(found), status=503 if found.status == Status.FAIL else 200)
