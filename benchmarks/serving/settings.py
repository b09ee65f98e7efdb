"""The product's settings with two things beside them: the floor's address, and a count of queries for who asks."""

from movierec.settings import *  # noqa: F403
from movierec.settings import MIDDLEWARE

ROOT_URLCONF = "benchmarks.serving.empty_view"
MIDDLEWARE = [*MIDDLEWARE, "benchmarks.serving.empty_view.QueryCountMiddleware"]
