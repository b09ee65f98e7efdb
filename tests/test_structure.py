"""Test the import graph: no circle, no upward import, no crowded folder. ARCHITECTURE.md draws the layers."""

from collections import Counter
from graphlib import CycleError, TopologicalSorter

import grimp
import pytest

from tests.support.launcher import ROOT

PRODUCT = ("movierec", "recommender", "catalog", "infrastructure")
# From the top down. A module imports its own layer and those below it. Longer names win.
LAYERS = (
    ("movierec",),
    ("recommender.api", "recommender.admin", "recommender.management", "recommender.tasks", "recommender.apps"),
    (
        "recommender.serving",
        "recommender.ingest",
        "recommender.monitoring",
        "recommender.training",
        "recommender.backup",
        "recommender.maintenance",
        "recommender.merging",
        "recommender.privacy",
    ),
    ("recommender",),  # stores: cache, registry, jobs, movies, and the single modules beside them
    ("recommender.ml", "catalog"),
    ("infrastructure",),
)
MAX_MODULES = 20
MAY_BE_LARGE = {"recommender/ml"}  # one model from data to ranking, which reads well flat


@pytest.fixture(scope="module")
def imports():
    """Return every (importer, imported) pair of product modules, imports inside functions included."""
    graph = grimp.build_graph(*PRODUCT, exclude_type_checking_imports=True, cache_dir=None)
    return sorted((name, other) for name in graph.modules for other in graph.find_modules_directly_imported_by(name))


def circle(pairs):
    """Return the nodes of one circle among (importer, imported) pairs; empty if there is none."""
    sorter = TopologicalSorter()
    for importer, imported in pairs:
        sorter.add(importer, imported)
    try:
        sorter.prepare()
    except CycleError as error:
        return error.args[1]
    return []


def package(module):
    """Return the part of the product that a module belongs to, such as recommender.serving or catalog.selectors."""
    return ".".join(module.split(".")[:2])


def layer(module):
    """Return the index of a module's layer, 0 at the top."""
    names = {name: index for index, layer in enumerate(LAYERS) for name in layer}
    parts = module.split(".")
    prefixes = [".".join(parts[:length]) for length in range(len(parts), 0, -1)]
    return next(names[prefix] for prefix in prefixes if prefix in names)


def test_the_graph_is_drawn(imports):
    """Guard the tests below: an empty graph would pass all of them."""
    assert len(imports) > 500
    assert {layer(importer) for importer, _ in imports} == set(range(len(LAYERS)))


def test_serving_and_training_never_meet(imports):
    sides = ("recommender.serving", "recommender.training")
    assert [pair for pair in imports if {package(name) for name in pair} == set(sides)] == []


def test_a_circle_and_an_upward_import_would_be_found():
    assert circle([("a", "b"), ("b", "c"), ("c", "a")])
    assert layer("recommender.cache.store") > layer("recommender.serving.group") > layer("recommender.api.urls")
    assert layer("recommender.ml.data") == layer("catalog.models")


def test_no_folder_is_crowded():
    modules = Counter(
        str(path.parent.relative_to(ROOT))
        for name in (*PRODUCT, "benchmarks")
        for path in (ROOT / name).rglob("*.py")
        if path.name != "__init__.py" and "migrations" not in path.parts
    )
    assert {folder: count for folder, count in modules.items() if count > MAX_MODULES}.keys() <= MAY_BE_LARGE
