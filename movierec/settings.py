"""Django settings: one flat file, read from the environment. docs/operations.md has the table of the variables."""

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
from celery.schedules import crontab
from django.core.exceptions import ImproperlyConfigured
from django.core.management.utils import get_random_secret_key
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError
from redis.retry import Retry

from infrastructure import disk_space
from infrastructure.addresses import URL_SCHEMES, WILDCARDS, bind_host, url_host, url_problem
from infrastructure.redis_address import RedisAddress
from infrastructure.shared_settings import application_name
from movierec.local import server_paths
from movierec.postgres.connection import Connection
from movierec.secret_strength import weakness

env = environ.Env()
BASE_DIR = Path(__file__).resolve().parent.parent

# --- where and how this instance runs ---------------------------------------------------------------------------
STATE_DIR = server_paths.state_dir()
MODEL_STORE = STATE_DIR / "models"
MODELS_URL = env("MOVIEREC_MODELS_URL", default="")  # where all machines find the models; empty: MODEL_STORE is all
if "@" in urlsplit(MODELS_URL).netloc:
    raise ImproperlyConfigured("MOVIEREC_MODELS_URL must not hold credentials: their own variables do.")
DATA_NOTE = STATE_DIR / "data.json"  # what was loaded, and whether a model was trained on it
CHECKPOINT_DIR = STATE_DIR / "model_checkpoints"
SHARDS_DIR = STATE_DIR / "histories"  # of all viewers, as training reads them
NIGHTLY_MAPPED_BYTES = env.int("MOVIEREC_NIGHTLY_MAPPED_MB", default=200) * disk_space.MB  # of histories in memory
BIND = bind_host()
PORT = env.int("PORT", default=8000)
API_OPEN = env.bool("MOVIEREC_API_OPEN", default=False)
BEHIND_PROXY = env.bool("MOVIEREC_BEHIND_PROXY", default=False)
PRODUCTION = env.bool("MOVIEREC_PRODUCTION", default=False)
STOREFRONT = env.bool("MOVIEREC_STOREFRONT", default=not PRODUCTION)  # the viewers' page at /
STOREFRONT_TOKEN_URL = env("MOVIEREC_STOREFRONT_TOKEN_URL", default="")  # the site's own; gives the page its tokens
POSTER_ORIGINS = env.list("MOVIEREC_POSTER_ORIGINS", default=[])  # whose images pages may show; of other films: drawn
DEBUG = env.bool("MOVIEREC_DEBUG", default=False)


if PRODUCTION:
    for _name, _length in (("MOVIEREC_SECRET_KEY", 50), ("MOVIEREC_ADMIN_PASSWORD", 12)):
        if _weakness := weakness(env(_name, default=""), _length):
            raise ImproperlyConfigured(f"MOVIEREC_PRODUCTION=1 needs a strong {_name}: {_weakness}.")

# `./run` makes this file. Without it (lint, a build) nothing is signed that must outlive this process.
_secrets_file = STATE_DIR / "secrets.json"
_secrets = json.loads(_secrets_file.read_text()) if _secrets_file.exists() else {"secret_key": get_random_secret_key()}
SECRET_KEY = env("MOVIEREC_SECRET_KEY", default="") or _secrets["secret_key"]
SECRET_KEY_FALLBACKS = env.list(
    "MOVIEREC_SECRET_KEY_FALLBACKS", default=[]
)  # former ones, while what they signed lives
ADMIN_PASSWORD = env("MOVIEREC_ADMIN_PASSWORD", default="") or _secrets.get("admin_password", "")

# --- stored lists -----------------------------------------------------------------------------------------------
LIST_TTL = 86_400  # seconds: the greatest age of a stored list
LIST_LENGTH = 200  # films in a stored list
PAGE_LIFETIME = 60 * env.int("MOVIEREC_PAGE_MINUTES", default=30)  # seconds that a list's next page may be asked for
MODELS_KEPT = env.int(
    "MOVIEREC_MODELS_KEPT", default=10
)  # folders, besides the active model and its two rollback targets
JOBS_KEPT_DAYS = env.int("MOVIEREC_JOBS_KEPT_DAYS", default=90)  # after their end
IMPRESSIONS_KEPT_DAYS = env.int("MOVIEREC_IMPRESSIONS_KEPT_DAYS", default=180)
SERVED_LISTS_KEPT_DAYS = env.int("MOVIEREC_SERVED_LISTS_KEPT_DAYS", default=30)
LIST_LOG_SHARE = env.float("MOVIEREC_LIST_LOG_SHARE", default=1.0)  # of the lists that clients get, 0..1
# Of personal lists that are drawn from the best films, 0..1 (docs/experiments.md).
EXPLORATION_SHARE = env.float("MOVIEREC_EXPLORATION_SHARE", default=0.0)
_loaded = json.loads(DATA_NOTE.read_text()) if DATA_NOTE.exists() else {}
if _loaded.get("source") == "demo" and "MOVIEREC_EXPLORATION_SHARE" not in env.ENVIRON:
    EXPLORATION_SHARE = 0.02  # so that the demo shows what it is
# Of personal lists that two ways of ranking share, 0..1; the second one is this model version, else has this diversity.
INTERLEAVE_SHARE = env.float("MOVIEREC_INTERLEAVE_SHARE", default=0.0)
INTERLEAVE_MODEL = env.str("MOVIEREC_INTERLEAVE_MODEL", default="")
INTERLEAVE_DIVERSITY = env.float("MOVIEREC_INTERLEAVE_DIVERSITY", default=0.3)
# Of personal lists that have a place for a film which was added in the last days, until it had so many impressions.
NEW_FILM_SHARE = env.float("MOVIEREC_NEW_FILM_SHARE", default=0.0)
NEW_FILM_DAYS = env.int("MOVIEREC_NEW_FILM_DAYS", default=30)
NEW_FILM_IMPRESSIONS = env.int("MOVIEREC_NEW_FILM_IMPRESSIONS", default=300)
LOG_BACKLOG = env.int("MOVIEREC_LOG_BACKLOG", default=200_000)  # lists, and outcomes, that wait in Redis to be stored
AUDIT_KEPT_DAYS = env.int("MOVIEREC_AUDIT_KEPT_DAYS", default=400)  # who did what
# What trains of long histories, and of viewers who came long ago; 0: all.
TRAINING_EVENTS_PER_VIEWER = env.int("MOVIEREC_TRAINING_EVENTS_PER_VIEWER", default=0)
TRAINING_ACTIVE_DAYS = env.int("MOVIEREC_TRAINING_ACTIVE_DAYS", default=0)
BATCH_ACTIVE_DAYS = env.int("MOVIEREC_BATCH_ACTIVE_DAYS", default=0)  # lists ahead of time for these; 0: for everyone
# Home pages ahead of time: for those of the last days, so many viewers at most; 0 of either: for nobody.
HOME_ACTIVE_DAYS = env.int("MOVIEREC_HOME_ACTIVE_DAYS", default=7)
HOME_PREPARED = env.int("MOVIEREC_HOME_PREPARED", default=20_000)

# How long caches between the site and its visitors may answer what is the same for everyone, unasked: seconds. An edit
# shows there so much later.
SHARED_CACHE_SECONDS = env.int("MOVIEREC_SHARED_CACHE_SECONDS", default=0)

# --- age limits -------------------------------------------------------------------------------------------------
CERTIFICATE_COUNTRY = env("MOVIEREC_CERTIFICATE_COUNTRY", default="US").upper()  # whose certificates need not name it
UNCERTIFIED_AGE = env.int("MOVIEREC_UNCERTIFIED_AGE", default=18)  # years: for films of unknown certificate

# --- viewers ----------------------------------------------------------------------------------------------------
TRACK_EVENTS = env.json("MOVIEREC_TRACK_EVENTS", default={})  # what further names of POST /track mean: name -> kind
PROFILES_PER_ACCOUNT = env.int("MOVIEREC_PROFILES_PER_ACCOUNT", default=20)
# --- countries and languages ------------------------------------------------------------------------------------
COUNTRY = env("MOVIEREC_COUNTRY", default="").upper()  # ISO 3166: of calls and viewers that name none
TITLE_LANGUAGE = env("MOVIEREC_TITLE_LANGUAGE", default="en").lower()  # of the films' own titles, behind translations

# --- what was watched -------------------------------------------------------------------------------------------
SEEN_SHARE = env.float("MOVIEREC_SEEN_SHARE", default=0.7)  # of a film, 0..1: from there on it is seen, below started
CONTINUE_DAYS = env.int("MOVIEREC_CONTINUE_DAYS", default=60)  # how long a started film is offered to go on with
WATCH_AGAIN_DAYS = env.int("MOVIEREC_WATCH_AGAIN_DAYS", default=180)  # after which a liked film is offered again

# --- webhooks ---------------------------------------------------------------------------------------------------
WEBHOOKS_TO_PRIVATE = env.bool("MOVIEREC_WEBHOOKS_TO_PRIVATE", default=False)  # private addresses, and http to them
WEBHOOK_VIEWER_SECONDS = env.int("MOVIEREC_WEBHOOK_VIEWER_SECONDS", default=60)  # a viewer is told of so often at most
WEBHOOK_QUEUE = env.int("MOVIEREC_WEBHOOK_QUEUE", default=10_000)  # messages that wait for one endpoint
WEBHOOK_GIVE_UP_HOURS = env.int("MOVIEREC_WEBHOOK_GIVE_UP_HOURS", default=72)  # of failures: then it is disabled

# --- figures for Prometheus -------------------------------------------------------------------------------------
METRICS_PORT = env.int("MOVIEREC_METRICS_PORT", default=0)  # where `./run` exports them; 0: nowhere
METRICS_BIND = env("MOVIEREC_METRICS_BIND", default="127.0.0.1")

# --- traces -----------------------------------------------------------------------------------------------------
TRACES_ENDPOINT = env("MOVIEREC_TRACES_ENDPOINT", default="")  # of OTLP over HTTP; "": nothing is traced
TRACES_SHARE = env.float("MOVIEREC_TRACES_SHARE", default=1.0)  # of the requests that are traced, 0..1

# --- alerts by e-mail -------------------------------------------------------------------------------------------
ALERT_EMAILS = env.list("MOVIEREC_ALERT_EMAILS", default=[])  # who is told when a part of the system turns bad
_EMAIL = env.email_url("MOVIEREC_EMAIL_URL", default="smtp://localhost:25")
EMAIL_HOST, EMAIL_PORT = _EMAIL["EMAIL_HOST"], _EMAIL["EMAIL_PORT"]
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _EMAIL["EMAIL_HOST_USER"], _EMAIL["EMAIL_HOST_PASSWORD"]
EMAIL_USE_TLS, EMAIL_USE_SSL = _EMAIL.get("EMAIL_USE_TLS", False), _EMAIL.get("EMAIL_USE_SSL", False)
EMAIL_TIMEOUT = 10  # seconds
DEFAULT_FROM_EMAIL = env("MOVIEREC_EMAIL_FROM", default="movierec@localhost")

# --- Kafka ------------------------------------------------------------------------------------------------------
KAFKA_BROKERS = env("MOVIEREC_KAFKA_BROKERS", default="")  # host:port, separated by commas
KAFKA_OPTIONS = env.json("MOVIEREC_KAFKA_OPTIONS", default={})  # further ones of librdkafka: TLS, SASL

# --- pages of other sites that may read answers -------------------------------------------------------------------
CORS_ALLOWED_ORIGINS = env.list("MOVIEREC_CORS_ORIGINS", default=[])
CORS_URLS_REGEX = r"^/(?!admin/)"
CORS_ALLOW_HEADERS = ["accept", "authorization", "content-type", "idempotency-key", "if-none-match", "x-request-id"]
CORS_EXPOSE_HEADERS = ["ETag", "Location", "RateLimit", "RateLimit-Policy", "Retry-After", "X-Request-ID"]

# --- applications -----------------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "movierec",  # before the theme, whose templates it adds to
    "unfold",
    "unfold.contrib.filters",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "rest_framework",
    "rest_framework_api_key",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_celery_beat",
    "corsheaders",
    "axes",
    "catalog",
    "recommender",
]
MIDDLEWARE = [
    "catalog.api.key_paths.KeyPathMiddleware",
    "recommender.api.http.middleware.RequestIdMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    *(["corsheaders.middleware.CorsMiddleware"] if CORS_ALLOWED_ORIGINS else []),
    "compression_middleware.middleware.CompressionMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "recommender.api.http.middleware.BodySizeLimitMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
]
ROOT_URLCONF = "movierec.urls"
LOGIN_REDIRECT_URL = "admin:index"  # after a login on the login page itself
WSGI_APPLICATION = "movierec.wsgi.application"
APPEND_SLASH = False
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
STATIC_URL = "static/"
WHITENOISE_USE_FINDERS = True  # served from the packages themselves: nothing to collect
WHITENOISE_IMMUTABLE_FILE_TEST = r"/static/storefront/assets/"  # names with a hash: kept by browsers for good
WHITENOISE_ROOT = BASE_DIR / "movierec" / "root"  # what browsers ask for unbidden: the icon
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"


def _server_url(variable: str, embedded_url: str) -> str:
    """Return the URL in the environment, else that of the embedded server."""
    url: str = env(variable, default="") or embedded_url
    if problem := url and url_problem(variable, url):
        raise ImproperlyConfigured(problem)
    return url


# --- Postgres ---------------------------------------------------------------------------------------------------
INTERACTIVE = env.bool("MOVIEREC_DB_POOL", default=False)  # a web process: a person waits for its answers
_DATABASE_URL = _server_url("DATABASE_URL", server_paths.database_url(STATE_DIR))
# A pooler in transaction mode, as PgBouncer, for web processes alone. What a session holds goes to Postgres itself.
_POOLED_URL = _server_url("DATABASE_POOLED_URL", "") if INTERACTIVE else ""


def _database(url: str) -> dict[str, Any]:
    """Return the configuration of a connection to Postgres."""
    database: dict[str, Any] = env.db_url_config(url)
    database["ENGINE"] = "movierec.postgres"  # Django's own with a circuit breaker
    database["OPTIONS"] = {
        # TCP finds out that one connection was cut off, while infrastructure.connectivity still sees Postgres.
        "keepalives_idle": 10,  # seconds, as the next
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 2_000 if INTERACTIVE else 30_000,  # milliseconds
        "application_name": application_name(SHARED_SETTINGS),
        **database.get("OPTIONS", {}),
        "connect_timeout": 2 if INTERACTIVE else 5,  # seconds
    }
    return database


# Compared between all processes of this database (infrastructure.shared_settings), by what they are in the environment.
SHARED_SETTINGS = {
    "MOVIEREC_SECRET_KEY": SECRET_KEY,
    "REDIS_URL": [env(name, default="") for name in URL_SCHEMES if not name.startswith("DATABASE")],
    "MOVIEREC_KEY_PREFIX": env("MOVIEREC_KEY_PREFIX", default=""),
    "MOVIEREC_MODELS_URL": MODELS_URL,
    "MOVIEREC_CERTIFICATE_COUNTRY": CERTIFICATE_COUNTRY,
    "MOVIEREC_COUNTRY": COUNTRY,
    "MOVIEREC_TITLE_LANGUAGE": TITLE_LANGUAGE,
    "MOVIEREC_UNCERTIFIED_AGE": UNCERTIFIED_AGE,
    "MOVIEREC_SEEN_SHARE": SEEN_SHARE,
    "MOVIEREC_TRACK_EVENTS": sorted(TRACK_EVENTS.items()) if isinstance(TRACK_EVENTS, dict) else TRACK_EVENTS,
}
DATABASES = {"default": _database(_POOLED_URL or _DATABASE_URL)}
if INTERACTIVE:
    # Web processes only: Celery closes a pool after every task.
    DATABASES["default"]["OPTIONS"]["pool"] = {
        "min_size": 1,
        "max_size": 8,
        "timeout": 1,  # seconds, as the next
        "reconnect_timeout": 1,
        "connection_class": Connection,
    }
else:
    DATABASES["default"]["CONN_MAX_AGE"] = 60  # seconds
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
if _POOLED_URL:
    DATABASES["default"]["DISABLE_SERVER_SIDE_CURSORS"] = True  # the next fetch may get another connection
    DATABASES["direct"] = _database(_DATABASE_URL)  # for recommender.locks; closed after each request
if _REPLICA_URL := _server_url("DATABASE_REPLICA_URL", ""):
    DATABASES["replica"] = _database(_REPLICA_URL)  # for infrastructure.read_replica; closed after each request

# --- free disk space ------------------------------------------------------------------------------------------------
DISK_THRESHOLDS = disk_space.DiskThresholds(
    env.int("MOVIEREC_DISK_WARN_MB", default=1000) * disk_space.MB,  # amber below this,
    env.int("MOVIEREC_DISK_WARN_PERCENT", default=5) / 100,  # or below this share, whichever is more
    env.int("MOVIEREC_DISK_FULL_MB", default=100) * disk_space.MB,  # red below this
)
WRITTEN_FOLDERS = {  # what this machine writes -> where
    "state": STATE_DIR,
    "models": MODEL_STORE,
    "checkpoints": CHECKPOINT_DIR,
    "histories": SHARDS_DIR,
    "logs": STATE_DIR / "logs",
    "temporary files": Path(env("TMPDIR", default="/tmp")),  # noqa: S108 - asking `tempfile` fails on a full disk
}
if MODELS_URL and "://" not in MODELS_URL:
    WRITTEN_FOLDERS["models of all machines"] = Path(MODELS_URL)
if env("DATABASE_URL", default="") in ("", server_paths.database_url(STATE_DIR)):
    WRITTEN_FOLDERS["database"] = server_paths.postgres_data_dir(STATE_DIR)

# --- Redis: the broker, Django's cache and the stored lists ---------------------------------------------------------
# In three databases of REDIS_URL, as cache.clear() empties a whole one. With a prefix of the keys one is enough.
REDIS_URL = _server_url("REDIS_URL", server_paths.redis_url(STATE_DIR))
KEY_PREFIX = env("MOVIEREC_KEY_PREFIX", default="")
if not re.fullmatch(r"[A-Za-z0-9._-]{0,40}", KEY_PREFIX):
    raise ImproperlyConfigured("MOVIEREC_KEY_PREFIX has letters, digits and . _ - alone, 40 of them at most.")


def _redis_address(variable: str, offset: int) -> RedisAddress:
    """Return the Redis that has a URL of its own, else the database `offset` after the one of REDIS_URL."""
    if url := _server_url(variable, ""):
        return RedisAddress.parse(url)
    return _shared_redis(offset)


def _shared_redis(offset: int) -> RedisAddress:
    return RedisAddress.parse(REDIS_URL).with_offset(0 if KEY_PREFIX else offset)


def _prefix(part: str) -> str:
    """Return what the keys of one part begin with."""
    return f"{KEY_PREFIX}:{part}" if KEY_PREFIX else ""


# Seconds, of a cache's connections.
REDIS_TIMEOUTS = {"socket_connect_timeout": 0.3 if INTERACTIVE else 1, "socket_timeout": 0.3 if INTERACTIVE else 3}


def _cache(address: RedisAddress, prefix: str, serializer: str) -> dict[str, object]:
    """Return the configuration of a cache in a Redis."""
    # One retry at once covers a connection that went stale; redis-py's default, to back off, would make every request
    # wait while Redis is down. A call that timed out is not tried again.
    retry = Retry(NoBackoff(), 1, supported_errors=(ConnectionError,))
    return {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": address.url,
        "KEY_PREFIX": prefix,
        "OPTIONS": {
            **{name.upper(): seconds for name, seconds in REDIS_TIMEOUTS.items()},
            "CONNECTION_POOL_KWARGS": {"retry": retry, **address.pool_options},
            "SERIALIZER": serializer,
            **address.cache_options(**REDIS_TIMEOUTS),
        },
    }


BROKER_REDIS = _redis_address("MOVIEREC_BROKER_URL", 0)
LISTS_REDIS = _redis_address("MOVIEREC_LISTS_URL", 2)
# A cluster has lists and versions alone; what else would lie beside them is in REDIS_URL's databases then.
_DEFAULT_REDIS = _shared_redis(1) if LISTS_REDIS.nodes else _redis_address("MOVIEREC_LISTS_URL", 1)
_BESIDE_LISTS = _shared_redis(2) if LISTS_REDIS.nodes else LISTS_REDIS
# Rates, counted answers and the log of lists. Apart from the lists a call's count takes a round trip of its own.
COUNTERS_REDIS = (
    _redis_address("MOVIEREC_COUNTERS_URL", 2) if env("MOVIEREC_COUNTERS_URL", default="") else _BESIDE_LISTS
)
CACHES = {
    "default": _cache(_DEFAULT_REDIS, _prefix("django"), "django_redis.serializers.json.JSONSerializer"),
    "lists": _cache(LISTS_REDIS, _prefix("lists"), "recommender.cache.BytesSerializer"),
    "counters": _cache(COUNTERS_REDIS, _prefix("lists"), "recommender.cache.BytesSerializer"),
}

# --- Celery -----------------------------------------------------------------------------------------------------
_HOUR = 3600
CELERY_BROKER_URL = BROKER_REDIS.broker_url
CELERY_TASK_TIME_LIMIT = 10 * _HOUR
# A task that is still running when this ends is delivered a second time, so it lies beyond the time limit.
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 12 * _HOUR,
    "socket_connect_timeout": 0.3 if INTERACTIVE else 2,  # seconds
    # A process that sends a message to a frozen Redis would wait for ever. A worker's waiting for messages is not
    # bounded by it.
    "socket_timeout": 0.5 if INTERACTIVE else 20,
    "socket_keepalive": True,
    **({"global_keyprefix": f"{_prefix('broker')}:"} if KEY_PREFIX else {}),
    **BROKER_REDIS.broker_options(socket_connect_timeout=0.3 if INTERACTIVE else 2, socket_timeout=0.5),
}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None  # for ever: Redis comes back
CELERY_WORKER_POOL = "movierec.worker_pool:TaskPool"
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 5  # seconds that a task gets to end before it is cut off
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 1, "interval_start": 0, "interval_max": 0.2}
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_SERIALIZER = "json"
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TASK_DEFAULT_QUEUE = "light"
CELERY_TASK_ROUTES = {
    "recommender.tasks.nightly": {"queue": "training"},
    "recommender.tasks.clear_checkpoints": {"queue": "training"},
    "recommender.tasks.batch": {"queue": "batch"},
    "recommender.tasks.batch_chunk": {"queue": "batch"},
}
CELERY_TIMEZONE = TIME_ZONE
CELERY_BEAT_SCHEDULER = "movierec.beat:Scheduler"


def _interval_task(seconds: int, task: str) -> dict[str, object]:
    """Return a schedule entry whose messages expire when the next is due: none pile up while no worker runs."""
    return {"task": f"recommender.tasks.{task}", "schedule": seconds, "options": {"expire_seconds": seconds}}


CELERY_BEAT_SCHEDULE = {
    "nightly": {"task": "recommender.tasks.start_night", "schedule": crontab(hour="3", minute="30")},
    "start_first_night": _interval_task(60, "start_first_night"),
    "publish_pending": _interval_task(5, "publish_pending"),
    "repair": _interval_task(10, "repair"),
    "requeue_lost_jobs": _interval_task(30, "requeue_lost_jobs"),
    "send_webhooks": _interval_task(5, "send_webhooks"),
    "finish_erasures": _interval_task(15, "finish_erasures"),
    "clear_checkpoints": _interval_task(600, "clear_checkpoints"),
    "tidy": {"task": "recommender.tasks.tidy", "schedule": crontab(hour="2", minute="10")},
    "watch_system": _interval_task(60, "watch_system"),
    "guard_active_model": _interval_task(60, "guard_active_model"),
    "store_served_lists": _interval_task(5, "store_served_lists"),
    "sum_up_outcomes": _interval_task(300, "sum_up_outcomes"),
    "watch_experiments": _interval_task(300, "watch_experiments"),
    # Outcomes that came late, of lists of days before.
    "sum_up_late_outcomes": {
        "task": "recommender.tasks.sum_up_outcomes",
        "schedule": crontab(hour="2", minute="25"),
        "kwargs": {"days": 8},
    },
    "refresh_charts": _interval_task(600, "refresh_charts"),
    "refresh_ratings": {"task": "recommender.tasks.refresh_ratings", "schedule": crontab(hour="2", minute="40")},
    "count_watches": _interval_task(3_600, "count_watches"),
    "read_texts": _interval_task(600, "read_texts"),
}

# --- API --------------------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_RENDERER_CLASSES": ["recommender.api.http.json_io.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["recommender.api.http.json_io.StrictJSONParser"],
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "recommender.api.access.authentication.ApiKeyAuthentication",
        "recommender.api.access.viewer_token_auth.ViewerTokenAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["recommender.api.access.permissions.HasScope"],
    "DEFAULT_THROTTLE_CLASSES": ["recommender.api.access.throttles.RateThrottle"],
    "DEFAULT_THROTTLE_RATES": {  # for each API key, or address without one
        "reads": env("MOVIEREC_RATE_READS", default="300000/min"),
        "events": env("MOVIEREC_RATE_EVENTS", default="60000/min"),
        "batch": env("MOVIEREC_RATE_BATCH", default="600/min"),
        "viewer": env("MOVIEREC_RATE_VIEWER", default="240/min"),  # for each viewer with a token
        # Events, not calls, for each viewer with a token that may send them.
        "viewer_events": env("MOVIEREC_RATE_VIEWER_EVENTS", default="60/min"),
        "viewer_imports": env("MOVIEREC_RATE_VIEWER_IMPORTS", default="20/hour"),  # of own files, likewise
        "refused_keys": env("MOVIEREC_RATE_REFUSED_KEYS", default="60/min"),  # for each address
        # For each address, in each web process: calls refused for want of a key, and logins to the admin.
        "refused": env("MOVIEREC_RATE_REFUSED", default="600/min"),
        "logins": env("MOVIEREC_RATE_LOGINS", default="60/min"),
    },
    "NUM_PROXIES": int(BEHIND_PROXY),  # proxies whose X-Forwarded-For counts; a client could make up the rest
    "EXCEPTION_HANDLER": "recommender.api.http.errors.exception_handler",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
    "UNAUTHENTICATED_USER": None,
}
_HISTORY_KINDS = [
    "watch",
    "rating",
    "like",
    "dislike",
    "not_interested",
    "watchlist",
    "progress",
    "rewatch",
    "unwatch",
    "unlike",
    "undislike",
    "interested",
]
SPECTACULAR_SETTINGS = {
    "TITLE": "movierec",
    "DESCRIPTION": "Personal film recommendations: lists, neighbours, genre pages, events.",
    "VERSION": "1.0.0",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "ENUM_NAME_OVERRIDES": {
        "ListSource": ["cache", "model", "similar", "popular"],
        "ChartSource": ["popular", "trending", "trending_for_you", "latest"],
        "RowSource": [
            *("cache", "model", "similar", "content", "popular", "trending", "trending_for_you", "latest", "history")
        ],
        "SeenFilms": ["exclude", "include", "only"],
        "NeighbourSource": ["model", "content", "popular"],
        "JobStatus": ["queued", "running", "done", "failed", "cancelled"],
        "EventStatus": ["stored", "duplicate", "rejected", "conflict"],
        "KindEnum": [*_HISTORY_KINDS, "impression", "click"],
        "HistoryKind": _HISTORY_KINDS,
        "TrackStatus": ["stored", "duplicate", "conflict", "rejected", "merged", "written", "deleted", "ignored"],
        "MessageType": ["track", "identify", "alias", "group", "page", "screen"],
        "TasteDirection": ["more", "less", "same"],
        "CreditRole": ["director", "actor"],
        "TokenScope": ["read", "events", "import", "data"],
        "CheckStatus": ["ok", "warn", "unknown", "fail"],
    },
    "PATH_CONVERTER_OVERRIDES": {"key": {"type": "string", "minLength": 1, "maxLength": 128}},
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "recommender.api.openapi.operations.require_bodies",
        "recommender.api.openapi.operations.close_bodies",
    ],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_SETTINGS": {"deepLinking": False},  # a link within a button is reached by no keyboard
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
}
UNFOLD = {
    "SITE_TITLE": "movierec",
    "SITE_HEADER": "movierec",
    "DASHBOARD_CALLBACK": "recommender.admin.dashboard.dashboard_callback",
    "STYLES": [f"/{STATIC_URL}recommender/admin.css"],
    "SCRIPTS": [f"/{STATIC_URL}recommender/admin.js", f"/{STATIC_URL}storefront/admin-posters.js"],
    "SIDEBAR": {"show_search": True, "navigation": "recommender.admin.sidebar.navigation"},
}

# --- security ---------------------------------------------------------------------------------------------------
# This machine's own names are there for its health checks.
ALLOWED_HOSTS = [*env.list("MOVIEREC_ALLOWED_HOSTS", default=[]), "localhost", "127.0.0.1", "[::1]"]
if BIND not in WILDCARDS:  # the address that it listens on is one of its names
    ALLOWED_HOSTS.append(url_host(BIND))
CSRF_TRUSTED_ORIGINS = env.list("MOVIEREC_TRUSTED_ORIGINS", default=[])
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SECURE = PRODUCTION
CSRF_COOKIE_SECURE = PRODUCTION
SECURE_SSL_REDIRECT = PRODUCTION
SECURE_REDIRECT_EXEMPT = [r"^health/"]  # asked by the machine's own health checks, without TLS
SECURE_HSTS_SECONDS = 31_536_000 if PRODUCTION else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = PRODUCTION
SECURE_HSTS_PRELOAD = PRODUCTION
if BEHIND_PROXY:
    # Only where a proxy sets this header on every request: else a client could claim TLS.
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
# Failed logins to the admin: of one name from one address. `manage.py axes_reset` lets everybody in again.
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_CLIENT_IP_CALLABLE = "movierec.login_lockout.client_address"
AXES_RESET_ON_SUCCESS = True
AXES_DISABLE_ACCESS_LOG = True  # personal data that no feature needs
AXES_ENABLE_ADMIN = False
AXES_LOCKOUT_TEMPLATE = "movierec/locked.html"
DATA_UPLOAD_MAX_MEMORY_SIZE = 10 * 1024 * 1024  # bytes
# A page of the admin sends back each of up to 10,000 films that are scheduled, and four fields a credit of a film.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 20_000

# --- logs: what happened and how long it took, never who ------------------------------------------------------------
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {
        "without_paths": {"()": "infrastructure.logs.RedactPathsFilter"},
        "only_failures": {"()": "infrastructure.logs.ExceptionsOnlyFilter"},
    },
    "formatters": {
        "line": {"()": "infrastructure.logs.JsonFormatter" if PRODUCTION else "infrastructure.logs.PlainFormatter"}
    },
    "handlers": {
        "console": {
            "class": "infrastructure.logs.RateLimitedHandler",
            "formatter": "line",
            "filters": ["without_paths"],
        }
    },
    "root": {"handlers": ["console"], "level": env("MOVIEREC_LOG_LEVEL", default="INFO")},
    "loggers": {
        "django": {"handlers": [], "level": "INFO", "propagate": True},
        "django.request": {"filters": ["only_failures"]},  # else a refused request had two lines
        "django.security.csrf": {"filters": ["only_failures"]},
        "psycopg.pool": {"level": "ERROR"},  # tells of every try while Postgres is gone; the API's own line says it
        **{name: {"level": "WARNING"} for name in ("aiobotocore", "botocore", "fsspec", "s3fs")},  # DEBUG tells of keys
        "axes": {"level": "ERROR"},  # its warnings have names and addresses; movierec.login_lockout says what happened
    },
}
