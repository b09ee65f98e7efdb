"""The catalogue's calls through Django's client, as the API's tests make them."""

from tests.support.api import ApiClient, api, client_with, site  # noqa: F401
from tests.support.cast import cast  # noqa: F401
from tests.support.tiny_model import model, model_folder, more_films  # noqa: F401
