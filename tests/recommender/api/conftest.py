from tests.support.api import ApiClient, api, client_with, site  # noqa: F401
