"""The product's settings plus the URL of the empty view and the query count."""

from movierec.settings import *  # noqa: F403
from movierec.settings import MIDDLEWARE

ROOT_URLCONF = "benchmarks.serving.empty_view"
MIDDLEWARE = [*MIDDLEWARE, "benchmarks.serving.empty_view.QueryCountMiddleware"]
