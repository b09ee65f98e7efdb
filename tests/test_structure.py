"""Test the import graph: no circle, no upward import, no crowded folder. ARCHITECTURE.md draws the layers."""

import ast
from collections import Counter
from graphlib import CycleError, TopologicalSorter

import grimp
import pytest

from tests.support.launcher import ROOT

PRODUCT = ("movierec", "recommender", "catalog", "infrastructure")
# From the top down. A module imports its own layer and those below it. Longer names win.
LAYERS = (
    ("movierec",),
    (
        "recommender.api",
        "recommender.admin",
        "recommender.management",
        "recommender.tasks",
        "recommender.apps",
        "recommender.receivers",
    ),
    (
        "recommender.serving",
        "recommender.ingest",
        "recommender.monitoring",
        "recommender.training",
        "recommender.backup",
        "recommender.maintenance",
        "recommender.merging",
        "recommender.privacy",
        "recommender.viewers",
        "recommender.webhooks",
    ),
    ("recommender",),  # stores: cache, registry, jobs, movies, and the single modules beside them
    ("recommender.ml", "catalog"),
    ("infrastructure",),
)
MAX_MODULES = 20
CONTAINERS = {"dict", "set", "list", "deque", "OrderedDict", "defaultdict", "Counter", "local"}
# What a process keeps for its whole life: facts of its machine, and receivers that Django's start connects.
KEPT_FOR_LIFE = {
    "recommender/ml/losses.py",
    "recommender/process_state.py",
    "recommender/registry/versions.py",
    "recommender/registry/watcher.py",
}
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


def test_modules_form_no_circle(imports):
    assert circle(imports) == []


def test_packages_form_no_circle(imports):
    between = {(package(importer), package(imported)) for importer, imported in imports}
    assert circle(pair for pair in between if pair[0] != pair[1]) == []


def test_nothing_imports_upwards(imports):
    assert [f"{importer} -> {imported}" for importer, imported in imports if layer(importer) > layer(imported)] == []


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


def test_no_test_imports_a_test_module_and_no_product_test_a_benchmark():
    for path in (ROOT / "tests").rglob("*.py"):
        for line in path.read_text().splitlines():
            if line.startswith(("from ", "import ")):
                assert ".test_" not in line, f"{path.relative_to(ROOT)}: {line}"
                if "benchmarks" not in path.parts and path.name != "test_docs.py":
                    assert " benchmarks" not in line, f"{path.relative_to(ROOT)}: {line}"


def changing_names(source):
    """Return the names at the top of a module that change while the process runs: containers, globals, caches."""
    tree = ast.parse(source)
    names = {name for node in ast.walk(tree) if isinstance(node, ast.Global) for name in node.names}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            decorators = {ast.unparse(decorator).split("(")[0].split(".")[-1] for decorator in node.decorator_list}
            names |= {node.name} if decorators & {"cache", "lru_cache"} else set()
        elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            call = node.value.func if isinstance(node.value, ast.Call) else None
            empty = ast.unparse(node.value) in ("{}", "[]")
            if empty or (call is not None and ast.unparse(call).split(".")[-1] in CONTAINERS):
                names |= {ast.unparse(target)}
    return {name for name in names if not name.isupper()}


def test_state_of_the_process_is_registered_where_it_is_kept():
    assert changing_names("_seen = {}\n") == {"_seen"}
    for path in (ROOT / "recommender").rglob("*.py"):
        name, source = str(path.relative_to(ROOT)), path.read_text()
        if "migrations" not in path.parts and name not in KEPT_FOR_LIFE:
            assert not changing_names(source) or "process_state" in source, f"{name}: {changing_names(source)}"
