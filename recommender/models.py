"""Model versions, jobs, impressions, API keys and what else Redis only mirrors."""

import uuid

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone
from rest_framework_api_key.models import AbstractAPIKey

from catalog.keys import MAX_KEY_LENGTH
from recommender.actors import MAX_LENGTH, actor


class ModelVersion(models.Model):
    """A trained model; its weights lie in a folder of its name."""

    class Status(models.TextChoices):
        CANDIDATE = "candidate"
        ACTIVE = "active"
        RETIRED = "retired"
        REFUSED = "refused"

    name = models.CharField(max_length=60, unique=True, help_text="Also the folder's name under the model store.")
    status = models.CharField(max_length=12, choices=Status, default=Status.CANDIDATE)
    preset = models.CharField(max_length=40)
    parameters = models.BigIntegerField(default=0)
    movies = models.PositiveIntegerField(default=0, help_text="Size of the vocabulary.")
    metrics = models.JSONField(default=dict, help_text="hr10, ndcg10 of the model, the baselines and the model before.")
    history = models.JSONField(default=list, help_text="Loss and validation figures by epoch.")
    data_hash = models.CharField(max_length=64, blank=True)
    code_revision = models.CharField(max_length=64, blank=True)
    data_set = models.BigIntegerField(
        db_default=0, editable=False, help_text="As of catalog.Revision when it was read."
    )
    reason = models.TextField(blank=True, help_text="Why it is active, was kept back or was refused.")
    created_at = models.DateTimeField(auto_now_add=True)
    activated_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(fields=["status"], name="one_active_model", condition=models.Q(status="active"))
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.status})"


class Job(models.Model):
    """A long task's state. Its holder renews `lease_until`; a job whose lease has run out is claimed again."""

    class Kind(models.TextChoices):
        NIGHTLY = "nightly"
        BATCH = "batch"
        IMPORT = "import"
        IMPORT_UNDO = "import_undo", "Import taken back"

    class Status(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"
        CANCELLED = "cancelled"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=12, choices=Kind)
    status = models.CharField(max_length=12, choices=Status, default=Status.QUEUED)
    parameters = models.JSONField(default=dict)
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    phase = models.CharField(max_length=40, blank=True)
    result = models.JSONField(default=dict)
    error = models.TextField(blank=True)
    log_tail = models.TextField(blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    holder = models.UUIDField(null=True, blank=True, help_text="Token of the process that holds the lease.")
    lease_until = models.DateTimeField(null=True, blank=True)
    started_by = models.CharField(max_length=MAX_LENGTH, blank=True, default=actor)
    cancelled_by = models.CharField(max_length=MAX_LENGTH, blank=True, default="")
    idempotency_key = models.CharField(max_length=200, null=True, blank=True, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            # A command that does the work itself, beside the workers, has no attempt.
            models.UniqueConstraint(
                fields=["kind"],
                name="one_running_job_a_kind",
                condition=models.Q(status="running", attempts__gt=0),
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.status}"

    @classmethod
    def nights(cls) -> models.QuerySet["Job"]:
        """Return the nightly jobs that may replace the active model: all but those for an experiment's arms alone."""
        return cls.objects.filter(kind=cls.Kind.NIGHTLY).exclude(parameters__has_key="of_experiment")


class BatchChunk(models.Model):
    """A share of a batch's viewers, by their ids: after one and through another."""

    id = models.BigAutoField(primary_key=True)
    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="chunks")
    after_viewer_id = models.IntegerField()
    through_viewer_id = models.IntegerField()
    model = models.CharField(max_length=100)
    epoch = models.IntegerField()
    since = models.BigIntegerField(null=True, help_text="Unix seconds: only viewers with an event since then.")
    viewers = models.PositiveIntegerField(null=True, help_text="Lists stored; none: not finished.")
    seconds = models.FloatField(default=0.0)
    holder = models.UUIDField(null=True)
    lease_until = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"viewers {self.after_viewer_id + 1} to {self.through_viewer_id}"


class ImportPart(models.Model):
    """Some rows of a file that was posted, and what became of them."""

    id = models.BigAutoField(primary_key=True)
    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="parts", db_index=False)
    number = models.PositiveIntegerField()
    rows = models.TextField(help_text="JSON: line, values and problem of each; empty once they are brought in.")
    stored = models.PositiveIntegerField(null=True, help_text="None: waiting.")
    duplicates = models.PositiveIntegerField(default=0)
    rejected = models.PositiveIntegerField(default=0)
    reasons = models.JSONField(default=list, help_text="Line, field and reason of each rejection.")
    event_ranges = models.JSONField(
        null=True,
        help_text="Ids of the events that it made, from one and below another; none: what it made is not noted.",
    )
    events_deleted = models.PositiveIntegerField(default=0, db_default=0, help_text="When it was taken back.")
    changed = models.PositiveIntegerField(
        default=0, db_default=0, help_text="Records that it wrote to and that its import had not made."
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job", "number"], name="import_part_once")]

    def __str__(self) -> str:
        return f"part {self.number} of import {self.job_id}"


class ImportedRecords(models.Model):
    """Records of a kind that a part of an import made, and that it can take back."""

    id = models.BigAutoField(primary_key=True)
    part = models.ForeignKey(ImportPart, on_delete=models.CASCADE, related_name="records")
    kind = models.CharField(max_length=10, help_text="A RecordKind.")
    ids = ArrayField(models.BigIntegerField(), help_text="Those that are not taken back.")
    states = ArrayField(models.BigIntegerField(), help_text="A fingerprint of each, as the import left it.")
    deleted = models.PositiveIntegerField(default=0, help_text="When it was taken back.")

    def __str__(self) -> str:
        return f"{len(self.ids)} {self.kind} of part {self.part_id}"


class Impression(models.Model):
    """A movie that was shown or clicked. No part of a viewer's history: it changes no list."""

    class Kind(models.IntegerChoices):
        IMPRESSION = 1, "impression"
        CLICK = 2, "click"

    id = models.BigAutoField(primary_key=True)
    occurred_at = models.DateTimeField(db_index=True)
    viewer_id = models.IntegerField(db_index=True)
    movie_id = models.IntegerField()
    kind = models.PositiveSmallIntegerField(choices=Kind)
    position = models.PositiveSmallIntegerField(null=True, blank=True)
    recommendation_id = models.CharField(max_length=64, blank=True)
    client_event_id = models.UUIDField(null=True, blank=True, unique=True)
    event_key = models.CharField(
        max_length=MAX_KEY_LENGTH,
        blank=True,
        db_default="",
        help_text="The client's own id as it came, where it is no UUID in lower case.",
    )
    is_session = models.BooleanField(default=False, db_default=False, help_text="Of an anonymous session.")

    def __str__(self) -> str:
        return f"{self.get_kind_display()} of {self.movie_id} to {self.viewer_id}"


class ServedList(models.Model):
    """A list that a client got. Its id begins with the time; the table has a partition for each day of it."""

    class Surface(models.IntegerChoices):
        RECOMMEND = 1, "recommend"
        FILTERED = 2, "filtered"
        SIMILAR = 3, "similar"
        HOME = 4, "home"
        POPULAR = 5, "popular"
        TRENDING = 6, "trending"
        LATEST = 7, "latest"
        GROUP = 8, "group"
        BATCH = 9, "batch"

    class Source(models.IntegerChoices):
        CACHE = 1, "cache"
        MODEL = 2, "model"
        SIMILAR = 3, "similar"
        CONTENT = 4, "content"
        POPULAR = 5, "popular"
        TRENDING = 6, "trending"
        TRENDING_FOR_YOU = 7, "trending_for_you"
        LATEST = 8, "latest"
        HISTORY = 9, "history"

    id = models.UUIDField(primary_key=True, editable=False)
    viewer_id = models.IntegerField(help_text="0: nobody, a group, or somebody who was not known.")
    model_id = models.IntegerField(help_text="Of the model version; 0: none.")
    arm_id = models.IntegerField(help_text="Of an experiment; 0: none.")
    surface = models.PositiveSmallIntegerField(choices=Surface)
    source = models.PositiveSmallIntegerField(choices=Source)
    flags = models.PositiveSmallIntegerField(help_text="Bits as of served_lists.FLAGS.")
    row = models.TextField(blank=True, help_text="Key of a home page's row.")
    request = models.JSONField(help_text="What the call asked for beyond the defaults; of a group its members.")
    films = models.BinaryField(help_text="As of served_lists.entry.Films.")

    def __str__(self) -> str:
        return self.id.hex


class Outcome(models.Model):
    """What a viewer did with a film of a list: once for each list, film and kind. Partitions are by the list's day."""

    class Kind(models.IntegerChoices):
        IMPRESSION = 1, "impression"
        CLICK = 2, "click"
        PLAY = 3, "play"
        COMPLETION = 4, "completion"
        LIKE = 5, "like"
        RATING = 6, "rating"
        WATCHLIST = 7, "watchlist"
        NOT_INTERESTED = 8, "not_interested"
        DISLIKE = 9, "dislike"

    pk = models.CompositePrimaryKey("list_id", "movie_id", "kind")
    list_id = models.UUIDField()
    viewer_id = models.IntegerField()
    movie_id = models.IntegerField()
    delay = models.IntegerField(help_text="Seconds after the list was served.")
    kind = models.PositiveSmallIntegerField(choices=Kind)
    position = models.PositiveSmallIntegerField(help_text="Of the film in the list, from 0.")
    is_attributed = models.BooleanField(help_text="No list was named: the newest of a day that had the film.")

    def __str__(self) -> str:
        return f"{self.get_kind_display()} of {self.movie_id} in {self.list_id}"


class OutcomeSum(models.Model):
    """What came of a day's lists, by one of their properties. Sums over viewers and their squares, for intervals."""

    id = models.BigAutoField(primary_key=True)
    day = models.DateField(help_text="Of the lists, UTC.")
    dimension = models.CharField(max_length=20, help_text="all, surface, row, source, model, arm, viewers or position.")
    value = models.CharField(max_length=80)
    counts = models.JSONField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["day", "dimension", "value"], name="outcome_sum_once")]

    def __str__(self) -> str:
        return f"{self.dimension} {self.value} on {self.day}"


class NewFilm(models.Model):
    """A film that is new in the catalogue, and what came of it in lists: whether more is to be learned of it."""

    movie_id = models.IntegerField(primary_key=True)
    impressions = models.PositiveIntegerField(default=0)
    clicks = models.PositiveIntegerField(default=0)
    alpha = models.FloatField(default=1.0, help_text="Of the posterior of its click-through, a Beta distribution;")
    beta = models.FloatField(default=1.0, help_text="and the second one.")
    low = models.FloatField(default=0.0, help_text="Of the interval of 95% of its click-through;")
    high = models.FloatField(default=1.0, help_text="and the upper end.")
    is_open = models.BooleanField(default=False, help_text="Some lists have a place for it.")

    class Meta:
        ordering = ["-impressions", "movie_id"]

    def __str__(self) -> str:
        return f"new film {self.movie_id}"


class Experiment(models.Model):
    """A question to the audience: which way of serving lists is better, by what viewers do."""

    class Status(models.TextChoices):
        DRAFT = "draft"
        RUNNING = "running"
        STOPPED = "stopped"
        SHIPPED = "shipped"

    class Metric(models.TextChoices):
        CLICK_THROUGH = "click_through", "click-through"
        PLAY_RATE = "play_rate", "plays for each film seen"

    class Surface(models.TextChoices):
        LISTS = "lists", "lists: /recommend and /recommend/filtered"
        HOME = "home", "the home page"

    name = models.CharField(max_length=80, unique=True)
    hypothesis = models.TextField(help_text="What you expect to change for viewers, by how much, and why.")
    owner = models.CharField(max_length=MAX_LENGTH, blank=True, default=actor, editable=False)
    surface = models.CharField(
        max_length=10, choices=Surface, default=Surface.LISTS, help_text="Where lists are served as the arm says."
    )
    ends_on = models.DateField(
        "last day", null=True, blank=True, help_text="UTC. It is stopped when this day is over; empty: by hand alone."
    )
    metric = models.CharField("metric that decides", max_length=20, choices=Metric, default=Metric.CLICK_THROUGH)
    traffic = models.PositiveSmallIntegerField(
        "traffic, %",
        default=100,
        validators=[MinValueValidator(1), MaxValueValidator(100)],
        help_text="Of the viewers that no other experiment has. 5% of all viewers are in none.",
    )
    expected_effect = models.PositiveSmallIntegerField(
        "expected change, %", default=5, validators=[MinValueValidator(1), MaxValueValidator(100)]
    )
    status = models.CharField(max_length=10, choices=Status, default=Status.DRAFT, editable=False)
    salt = models.CharField(max_length=32, editable=False, default="")
    first_bucket = models.PositiveSmallIntegerField(default=0, editable=False, help_text="Of viewers; and the last,")
    end_bucket = models.PositiveSmallIntegerField(default=0, editable=False, help_text="exclusive.")
    started_at = models.DateTimeField(null=True, blank=True, editable=False)
    ended_at = models.DateTimeField(null=True, blank=True, editable=False)
    shipped_arm = models.ForeignKey(
        "ExperimentArm", null=True, blank=True, editable=False, on_delete=models.SET_NULL, related_name="+"
    )
    reason = models.TextField(blank=True, editable=False, help_text="Why it was stopped or shipped.")

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return self.name


class ExperimentArm(models.Model):
    """One way of serving lists. The first arm of an experiment is the control."""

    id = models.AutoField(primary_key=True)
    experiment = models.ForeignKey(Experiment, on_delete=models.CASCADE, related_name="arms")
    name = models.CharField(max_length=40)
    weight = models.PositiveSmallIntegerField(default=50, validators=[MinValueValidator(1), MaxValueValidator(1_000)])
    diversity = models.FloatField(
        null=True,
        blank=True,
        validators=[MinValueValidator(0), MaxValueValidator(1)],
        help_text="Of lists; empty: as without an experiment.",
    )
    freshness = models.FloatField(
        null=True,
        blank=True,
        validators=[MinValueValidator(0), MaxValueValidator(5)],
        help_text="How far films that are new in the catalogue move up, in standard deviations of a list's scores.",
    )
    with_seen = models.BooleanField(
        "with films seen", default=False, help_text="Lists have films that the viewer has seen among the others."
    )
    home_order = models.CharField(
        "first rows of the home page",
        max_length=200,
        blank=True,
        help_text="Kinds of rows in the order in which they come first, separated by spaces; the others follow.",
    )
    model = models.CharField(
        "model version",
        max_length=60,
        blank=True,
        help_text="Lists are this model's; empty: the active model's. Of the lists alone, not of the home page.",
    )
    recipe = models.CharField(
        max_length=200,
        blank=True,
        help_text="The night trains a model for this arm: a preset, and fields of it that differ, as in "
        "default max_len=100 use_mlp_scorer=true.",
    )
    stopped_at = models.DateTimeField(null=True, blank=True, editable=False)
    stopped_reason = models.TextField(blank=True, editable=False)

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["experiment", "name"], name="arm_once")]

    def __str__(self) -> str:
        return self.name


class Exposure(models.Model):
    """A viewer who got a list of an experiment: from then on what they do counts for their arm."""

    id = models.BigAutoField(primary_key=True)
    experiment = models.ForeignKey(Experiment, on_delete=models.CASCADE, related_name="exposures", db_index=False)
    arm = models.ForeignKey(ExperimentArm, on_delete=models.CASCADE, db_index=False)
    viewer_id = models.IntegerField(db_index=True)
    first_at = models.DateTimeField()
    is_mixed = models.BooleanField(default=False, help_text="Two viewers of different arms were merged: counted out.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["experiment", "viewer_id"], name="exposure_once")]

    def __str__(self) -> str:
        return f"viewer {self.viewer_id} in {self.arm_id}"


class LogCursor(models.Model):
    """How far the stream of a log is stored: in one transaction with its records, so that none comes twice."""

    log = models.CharField(max_length=20)
    stream = models.CharField(max_length=40, unique=True)
    last_entry = models.CharField(max_length=40)

    def __str__(self) -> str:
        return f"{self.stream} through {self.last_entry}"


class Merge(models.Model):
    """A session that was merged into a viewer, and what is needed to undo it; kept for a day."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    from_key = models.CharField(max_length=MAX_KEY_LENGTH, db_index=True, help_text="As text, a number too.")
    into_key = models.CharField(max_length=MAX_KEY_LENGTH, db_index=True)
    merged_at = models.DateTimeField(db_index=True)
    undone_at = models.DateTimeField(null=True, blank=True)
    events = models.PositiveIntegerField(help_text="That moved.")
    duplicates = models.PositiveIntegerField(help_text="Events that the other viewer had already.")
    impressions = models.PositiveIntegerField(help_text="That moved.")
    kept = models.JSONField(default=dict, help_text="What moved and what was deleted; empty once it is undone.")

    def __str__(self) -> str:
        return f"merge of viewer {self.from_key} into {self.into_key}"


class Erasure(models.Model):
    """A viewer whose data is being erased: deleted here, and swept out of Redis again until nothing that had read it
    before can still be at work."""

    viewer_id = models.IntegerField(unique=True)
    viewer_key = models.CharField(max_length=MAX_KEY_LENGTH, blank=True, db_default="", help_text="Where it is a text.")
    began_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"erasure of viewer {self.viewer_id}"


class WebhookEndpoint(models.Model):
    """An address of the site that is told of what happened here."""

    class Event(models.TextChoices):
        VIEWER = "viewer.lists_changed", "a viewer's lists changed"
        NIGHT = "night.ended", "a nightly job ended"
        IMPORT = "import.ended", "an import ended"
        ALERT = "system.alert", "a part of the system turned bad, or good again"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    url = models.URLField("URL", max_length=500)
    description = models.CharField(max_length=120, blank=True)
    events = ArrayField(models.CharField(max_length=30, choices=Event))
    secret = models.CharField(max_length=80, editable=False, help_text="Signs every message; shown once.")
    enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)
    jobs_through = models.DateTimeField(default=timezone.now, editable=False, help_text="When the last job ended.")
    failures = models.PositiveIntegerField(default=0, editable=False, help_text="Without a success in between.")
    failing_since = models.DateTimeField(null=True, blank=True, editable=False)
    retry_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_error = models.CharField(max_length=200, blank=True, editable=False)
    last_success_at = models.DateTimeField(null=True, blank=True, editable=False)
    dropped = models.PositiveBigIntegerField(default=0, editable=False, help_text="For which there was no room.")

    class Meta:
        ordering = ["created_at"]

    def __str__(self) -> str:
        return self.description or self.url


class Alert(models.Model):
    """A health check that turned bad. It is told once that has lasted, and once more when it is over."""

    check_name = models.CharField(max_length=200)
    label = models.CharField(max_length=200)
    detail = models.TextField(blank=True, help_text="What is wrong, and what to do.")
    seen_at = models.DateTimeField(help_text="First.")
    raised_at = models.DateTimeField(null=True, blank=True, help_text="When it was told.")
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["check_name"], name="one_open_alert_a_check", condition=models.Q(ended_at=None)
            )
        ]

    def __str__(self) -> str:
        return f"{self.label} since {self.seen_at:%Y-%m-%d %H:%M}"


class WebhookMessage(models.Model):
    """Something that an endpoint is to be told, or was told lately. Of a viewer there is one at a time."""

    id = models.BigAutoField(primary_key=True)
    endpoint = models.ForeignKey(WebhookEndpoint, on_delete=models.CASCADE, related_name="messages", db_index=False)
    event = models.CharField(max_length=30, choices=WebhookEndpoint.Event)
    subject = models.CharField(max_length=40, help_text="The id of the viewer or of the job.")
    message_id = models.UUIDField(help_text="The same at every try.")
    changed_at = models.DateTimeField(help_text="When it happened last.")
    due_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)
    is_pending = models.BooleanField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["endpoint", "event", "subject"], name="webhook_message_once")]
        indexes = [
            models.Index(fields=["endpoint", "due_at"], name="webhook_message_due", condition=models.Q(is_pending=True))
        ]

    def __str__(self) -> str:
        return f"{self.event} to {self.endpoint_id}"


class AuditEntry(models.Model):
    """An action that somebody may have to answer for. Holds nothing of viewers, not even a number or its digest."""

    class Action(models.TextChoices):
        ACTIVATED = "model_activated", "model activated"
        CANCELLED = "job_cancelled", "job cancelled"
        IMPORT_UNDONE = "import_taken_back", "import taken back"
        ERASED = "viewer_erased", "viewer erased"
        MERGED = "viewers_merged", "viewers merged"
        UNMERGED = "merge_undone", "merge undone"
        WEBHOOK_MADE = "webhook_made", "webhook made"
        WEBHOOK_CHANGED = "webhook_changed", "webhook changed"
        WEBHOOK_STOPPED = "webhook_stopped", "webhook stopped after failures"
        PROFILE = "profile_written", "viewer's profile written"
        KEY_MADE = "key_made", "API key made"
        KEY_CHANGED = "key_changed", "API key changed"
        KEY_ROTATED = "key_rotated", "API key rotated"
        KEY_REVOKED = "key_revoked", "API key revoked"
        EXPERIMENT_STARTED = "experiment_started", "experiment started"
        EXPERIMENT_ENDED = "experiment_ended", "experiment ended"

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField(auto_now_add=True, db_index=True)
    actor = models.CharField(
        max_length=MAX_LENGTH, help_text="A member of staff, an API key, a command's user, or the system."
    )
    action = models.CharField(max_length=20, choices=Action)
    subject = models.CharField(
        max_length=160, blank=True, help_text="The model, job or key; of viewers nobody is named."
    )
    details = models.TextField(blank=True)
    request_id = models.CharField(
        max_length=128, blank=True, help_text="X-Request-ID of the call, which its sender has as well."
    )

    class Meta:
        ordering = ["-id"]
        verbose_name = "audit entry"
        verbose_name_plural = "audit entries"

    def __str__(self) -> str:
        return f"{self.get_action_display()} by {self.actor}"


class ApiKey(AbstractAPIKey):
    """A client application's key: stored hashed, shown once."""

    class Scope(models.TextChoices):
        READ = "recommend:read"
        EVENTS = "events:write"
        BATCH = "batch:write"
        CATALOGUE = "catalog:write"
        ERASE = "users:erase"
        STATUS = "status:read"
        USERS_READ = "users:read"
        USERS_WRITE = "users:write"
        INSIGHTS = "insights:read"

    scopes = ArrayField(models.CharField(max_length=20, choices=Scope), default=list)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False, help_text="To the minute.")

    class Meta(AbstractAPIKey.Meta):
        verbose_name = "API key"
        verbose_name_plural = "API keys"
