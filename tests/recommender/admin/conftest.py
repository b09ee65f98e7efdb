import shutil

import pytest

from recommender import registry
from recommender.models import ModelVersion
from tests.support.tiny_model import TINY_MODEL


@pytest.fixture
def other_version(model, model_folder):
    """A second version with the same weights and other metrics."""
    history = [{"epoch": n, "loss": 3.0 - n, "ndcg10": 0.1 * n, "seconds": 1.0} for n in (1, 2)]
    shutil.copytree(model_folder, registry.folder("other"))
    measured = {"metrics": {"ndcg10": 0.25, "hr10": 0.5}, "data_hash": "same", "history": history}
    registry.register(registry.folder("other"), preset="basic", **measured)
    ModelVersion.objects.filter(name=TINY_MODEL).update(metrics={"ndcg10": 0.2, "hr10": 0.6}, data_hash="same")
    yield "other"
    shutil.rmtree(registry.folder("other"))
