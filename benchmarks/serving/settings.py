"""The product's settings with two things beside them: the floor's address, and a count of queries for who asks."""

from movierec.settings import *  # noqa: F403
from movierec.settings import MIDDLEWARE

ROOT_URLCONF = "benchmarks.serving.floor"
MIDDLEWARE = [*MIDDLEWARE, "benchmarks.serving.floor.QueryCountMiddleware"]
