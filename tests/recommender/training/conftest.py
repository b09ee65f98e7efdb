from tests.support.cast import cast  # noqa: F401
from tests.support.tiny_model import model, model_folder, more_films  # noqa: F401
