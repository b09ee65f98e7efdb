"""gunicorn's settings: gunicorn -c movierec/gunicorn.py movierec.wsgi"""

import ctypes
import gc
import os
import sys
import threading
import time
from types import ModuleType
from typing import Any

from infrastructure import resources
from infrastructure.addresses import bind_host, url_host
from infrastructure.logs import tolerate_full_disk

# `./run` listens already, and hands the open port on.
_listen_fd = os.environ.get("MOVIEREC_LISTEN_FD")
bind = f"fd://{_listen_fd}" if _listen_fd else f"{url_host(bind_host())}:{os.environ.get('PORT') or '8000'}"
worker_class = "movierec.web.worker.WebWorker"
workers = int(os.environ.get("MOVIEREC_WEB_WORKERS") or resources.default_web_workers())
# More than may compute and wait (recommender/serving/concurrency.py): cached lists and refusals never wait for lists
# that are being computed.
threads = int(os.environ.get("MOVIEREC_WEB_THREADS") or "48")
preload_app = False  # `on_starting` loads the modules before the fork; what the application starts begins behind it
control_socket_disable = True
# The workers answer requests side by side, so each keeps to one core; the pool suits processes that live long.
# MKL would keep buffers of every thread that ever multiplied matrices.
raw_env = ["OMP_NUM_THREADS=1", "MKL_DISABLE_FAST_MM=1", "MOVIEREC_DB_POOL=1"]
timeout = 60  # seconds
graceful_timeout = 10 + int(float(os.environ.get("MOVIEREC_DRAIN_SECONDS") or 0))  # seconds
keepalive = 30  # seconds: longer than a balancer keeps a connection (deploy/), so that it is the one that ends it
sendfile = False  # what a slow reader leaves waits in memory, not in a thread
limit_request_line = 8190  # bytes of an address: 100 film ids to exclude, with room
max_requests = 0
# gunicorn believes no header about scheme or path, on loopback neither: MOVIEREC_BEHIND_PROXY says whether the proxy's
# headers count, and Django applies it.
forwarded_allow_ips = ""
_production = os.environ.get("MOVIEREC_PRODUCTION", "0") not in ("", "0")
logconfig_dict = {
    "formatters": {"generic": {"()": f"infrastructure.logs.{'JsonFormatter' if _production else 'PlainFormatter'}"}},
    "handlers": {"error_console": {"class": "infrastructure.logs.RateLimitedHandler", "formatter": "generic"}},
    "root": {"level": "INFO", "handlers": []},
    "loggers": {"gunicorn.error": {"level": "INFO", "handlers": ["error_console"], "propagate": False}},
}


def on_starting(server: Any) -> None:
    """Refuse to start what the system checks refuse; nothing else runs them for a web process."""
    import django  # loaded only where gunicorn runs, not where its configuration is read
    from django.core.management import call_command

    tolerate_full_disk()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "movierec.settings")
    django.setup()
    call_command("check", tags=["security"], verbosity=0)
    _load_modules()
    if wait_fd := os.environ.get("MOVIEREC_WAIT_FD"):  # `./run` makes the data ready meanwhile
        with open(int(wait_fd), "rb") as pipe:
            pipe.read()


def _load_modules() -> None:
    """Load the modules of all workers, which then hold them in common, torch among them. It must not run here: no fork
    takes its threads along."""
    # What operators do to tensors without data, of which there are none here: 17 MB of every process.
    sys.modules["torch._meta_registrations"] = ModuleType("torch._meta_registrations")
    import torch  # noqa: F401
    from django.core.wsgi import get_wsgi_application
    from django.urls import get_resolver

    get_wsgi_application()
    _ = get_resolver().url_patterns
    gc.collect()
    gc.freeze()  # the workers' collector does not write to these pages


_libc: Any = ctypes.CDLL(None) if sys.platform == "linux" else None
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8  # malloc.h
LARGE_BODY = 100_000  # bytes
GC_SECONDS = 10.0
_large_body_seen = threading.Event()
# torch releases the interpreter hundreds of times a list, and gets it back only when the thread that has it by then
# must give it up: with Python's default of 5 ms a few requests being refused made every computed list take a second.
SWITCH_SECONDS = 0.0005


def post_fork(server: Any, worker: Any) -> None:
    """Start the traces, and have glibc return the memory of large arrays when they are freed.

    Else it learns to keep what a model once took, for the life of the process.
    """
    from infrastructure import tracing  # needs the settings, which on_starting has loaded

    tracing.start("web")
    if hasattr(_libc, "mallopt"):
        for what, value in (_MMAP_THRESHOLD, 1 << 20), (_TRIM_THRESHOLD, 2 << 20), (_ARENA_MAX, 2):
            _libc.mallopt(what, value)  # bytes, bytes, arenas


def post_request(worker: Any, request: Any, environ: dict[str, Any], response: Any) -> None:
    """Have garbage collected soon after a large body."""
    if int(environ.get("CONTENT_LENGTH") or 0) > LARGE_BODY:
        _large_body_seen.set()


def _collect_garbage_forever() -> None:
    """Collect garbage soon after each large body, else now and then, and return the memory to the system.

    A request and its answer refer to each other, so they wait for a collection, and the collector counts objects, not
    their size.
    """
    while True:
        if _large_body_seen.wait(GC_SECONDS):
            _large_body_seen.clear()
            time.sleep(0.2)  # the answer is still being put away
        _return_memory()


def _return_memory(**_: Any) -> None:
    gc.collect()
    if hasattr(_libc, "malloc_trim"):
        _libc.malloc_trim(0)


def post_worker_init(worker: Any) -> None:
    """Tell the applications that the process starts, and spare the garbage collector what is loaded for good.

    It need not look at that again, nor look for cycles several times in one request.
    """
    # Django is loaded by now; not where the file is only read.
    from infrastructure.shared_settings import log_differences
    from infrastructure.signals import second_model_loads, web_process_started

    web_process_started.send(sender=None)
    second_model_loads.connect(_return_memory)  # behind those that make room
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    threading.Thread(target=_collect_garbage_forever, name="collect-garbage", daemon=True).start()
    threading.Thread(target=log_differences, name="compare-settings", daemon=True).start()


def worker_exit(server: Any, worker: Any) -> None:
    """End a process that has served at once.

    The interpreter's own end would take torch and the pool's threads apart for seconds, under the feet of the thread
    that watches for models.
    """
    from django.db import connection  # as above

    from infrastructure import tracing  # likewise
    from infrastructure.signals import web_process_ends  # likewise

    if worker.booted:
        web_process_ends.send_robust(sender=None)
        tracing.stop()
        connection.close_pool()  # type: ignore[attr-defined]
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)
