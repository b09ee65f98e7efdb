"""State that a process keeps is named in one place, and cleared by one call."""

import ast
from pathlib import Path

import pytest

from recommender import process_state


@pytest.fixture
def own_pieces(monkeypatch):
    monkeypatch.setattr(process_state, "_pieces", {})
    monkeypatch.setattr(process_state, "_forgetters", [])


def test_clear_puts_every_registered_piece_back(own_pieces):
    cached, answers = {"key": 1}, ["answer"]
    last_seen = process_state.Value("a third: what was seen last", 0)
    last_seen.current = 7
    process_state.register("one module: its cache", cached.clear)
    process_state.register("another module: its answers", answers.clear)

    process_state.clear()

    assert (cached, answers, last_seen.current) == ({}, [], 0)
    registered = ["a third: what was seen last", "another module: its answers", "one module: its cache"]
    assert process_state.names() == registered


def test_two_pieces_never_share_a_name(own_pieces):
    process_state.register("one module: its cache", dict)

    with pytest.raises(ValueError, match="one module: its cache"):
        process_state.register("one module: its cache", list)


def test_viewers_are_forgotten_wherever_a_piece_holds_them(own_pieces):
    histories, forgotten = {3: "Ada", 7: "Ben"}, []
    process_state.register("one module: its cache", list)
    process_state.register("another: histories", histories.clear, lambda ids: [histories.pop(i, None) for i in ids])
    process_state.register("a third: lists", list, forgotten.extend)

    process_state.forget_viewers({7, 9})

    assert (histories, sorted(forgotten)) == ({3: "Ada"}, [7, 9])


# What looks like state and is none, by module: filled once while Django's apps get ready, derived from constants alone,
# or the accounting of calls that are running now.
NO_STATE = {
    "recommender/process_state.py": {"_pieces"},
    "recommender/registry/versions.py": {"_read_data_set", "code_revision"},
    "recommender/registry/watcher.py": {"_tick_callbacks"},
    "recommender/ml/losses.py": {"bf16_is_faster"},
    "recommender/serving/concurrency.py": {"_queued", "_running", "_queued_by_client"},
}
CONTAINERS = {"dict", "list", "set", "OrderedDict", "Counter", "defaultdict", "deque", "WeakKeyDictionary"}
CACHES = {"cache", "once", "lru_cache"}
ROOT = Path(process_state.__file__).parents[1]
MODULES = [path for path in sorted((ROOT / "recommender").rglob("*.py")) if "migrations" not in path.parts]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_kept_value_is_registered(path):
    tree = ast.parse(path.read_text())
    state = rebound_names(tree) | empty_containers(tree) | cached_functions(tree)
    unregistered = state - registered_names(tree) - NO_STATE.get(str(path.relative_to(ROOT)), set())
    assert not unregistered, "register it in recommender.process_state, so that tests can clear it"


def rebound_names(tree):
    return {name for node in ast.walk(tree) if isinstance(node, ast.Global) for name in node.names}


def empty_containers(tree):
    """Names of module-level variables, not constants, that begin as an empty container."""
    names = set()
    for node in tree.body:
        if isinstance(node, ast.AnnAssign | ast.Assign) and is_empty_container(node.value):
            targets = [node.target] if isinstance(node, ast.AnnAssign) else node.targets
            names |= {target.id for target in targets if isinstance(target, ast.Name) and not target.id.isupper()}
    return names


def is_empty_container(value):
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Name):
        return value.func.id in CONTAINERS and not value.args and not value.keywords
    return isinstance(value, ast.Dict | ast.List) and not getattr(value, "keys", getattr(value, "elts", None))


def cached_functions(tree):
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    return {node.name for node in functions if {name(each) for each in node.decorator_list} & CACHES}


def name(decorator):
    decorator = decorator.func if isinstance(decorator, ast.Call) else decorator
    return decorator.id if isinstance(decorator, ast.Name) else ""


def registered_names(tree):
    """Names in the arguments of register(), and what the functions among them rebind or clear."""
    calls = [
        node for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("register")
    ]
    names = {node.id for call in calls for node in ast.walk(call) if isinstance(node, ast.Name)}
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name in names]
    inside = {node.id for function in functions for node in ast.walk(function) if isinstance(node, ast.Name)}
    return names | inside | {each for function in functions for each in rebound_names(function)}
