from tests.cast import cast  # noqa: F401
from tests.model import model, model_folder, more_films  # noqa: F401
