"""The catalogue's calls through Django's client, as the API's tests make them."""

from tests.cast import cast  # noqa: F401
from tests.model import model, model_folder, more_films  # noqa: F401
from tests.recommender.api.conftest import ApiClient, api, client_with, site  # noqa: F401
