"""The documents and the code agree: commands, options, addresses, settings, files, functions and log lines."""

import ast
import re

import pytest
from django.core.management import get_commands, load_command_class
from django.urls import Resolver404, resolve

from benchmarks.__main__ import benchmark_names
from tests.support.launcher import ROOT

DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
PACKAGES = ("movierec", "infrastructure", "catalog", "recommender")
SOURCE = "\n".join(path.read_text() for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
RUN = (ROOT / "run").read_text()
ELSEWHERE = (ROOT / "docker-compose.yml").read_text() + (ROOT / "tests" / "support" / "movielens.py").read_text()
HISTORY = {"lab-log.md", "CHANGELOG.md"}  # they may name what is gone


@pytest.fixture(params=DOCUMENTS, ids=lambda path: path.name)
def document(request):
    return request.param


@pytest.fixture
def text(document):
    return document.read_text()


def test_every_word_of_run_exists(text):
    for word in set(re.findall(r"\./run (\w+)", text)):
        assert re.search(rf"^\./run {word}\b", RUN, re.MULTILINE), f"./run {word}"


def test_every_management_command_exists_with_its_options(text):
    for command, rest in re.findall(r"(?:\./run manage|manage\.py) (\w+)([^\n`|)]*)", text):
        app = get_commands().get(command)
        assert app, f"manage.py {command}"
        parser = load_command_class(app if isinstance(app, str) else app.__module__, command).create_parser("", command)
        known = parser.format_help() + "".join(
            sub.format_help()
            for action in parser._actions
            if isinstance(action.choices, dict)
            for sub in action.choices.values()
        )
        for option in re.findall(r"--[\w-]+", rest):
            assert option in known, f"manage.py {command} {option}"


def test_every_benchmark_exists(text):
    assert set(re.findall(r"\./run bench ([a-z]+)", text)) <= set(benchmark_names())


def test_every_address_exists(text):
    for path in set(re.findall(r"127\.0\.0\.1:8000(/[\w/.-]*)", text)) | set(
        re.findall(r"`(?:GET|POST|PATCH|DELETE) (/[\w/]+)`", text)
    ):
        try:
            resolve(path)
        except Resolver404:
            pytest.fail(f"{path} is documented and does not exist")


def test_every_setting_that_a_document_names_is_read(text):
    for name in set(re.findall(r"\b(MOVIEREC_[A-Z_]+)\b", text)):
        assert name in SOURCE + RUN + ELSEWHERE, f"{name} is documented and nothing reads it"


def test_every_linked_file_exists(document, text):
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", text):
        assert (document.parent / target).exists(), target


def test_every_path_of_the_project_that_a_document_names_exists(document, text):
    if document.name in HISTORY:
        pytest.skip("what was")
    folders = "|".join((*PACKAGES, "benchmarks", "tests", "deploy", "docs"))
    for name in set(re.findall(rf"`((?:{folders})/[\w/.-]*|[\w/]+\.py)`", text)):
        name = name.replace("NAME", "serving")
        assert any((root / name).exists() for root in (ROOT, ROOT / "recommender", ROOT / "recommender" / "ml")), name


def steps():
    """Return (file, name) for each step of the drawings of the four paths: `  serving/recommend.py  recommend  ...`."""
    return re.findall(r"^ {2}([\w/]+\.py) +([A-Za-z_][\w.]*)", (ROOT / "ARCHITECTURE.md").read_text(), re.MULTILINE)


def test_the_paths_of_data_are_drawn_step_by_step():
    assert len(steps()) > 20


@pytest.mark.parametrize(("file", "name"), steps())
def test_every_step_of_a_path_of_data_exists(file, name):
    path = next(folder / file for folder in (ROOT, ROOT / "recommender") if (folder / file).exists())
    scope = ast.parse(path.read_text()).body
    for part in name.split("."):
        found = [node for node in scope if getattr(node, "name", None) == part]
        assert found, f"{file} has no {name}"
        scope = getattr(found[0], "body", [])


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_text().splitlines()) <= 110


def test_every_log_line_to_alert_on_is_logged():
    guide = (ROOT / "docs" / "operations.md").read_text()
    table = guide[guide.index("| line | meaning |") :].split("\n\n")[0]
    lines = [
        line for cell in re.findall(r"^\| (.*?) \|", table, re.MULTILINE)[2:] for line in re.findall("`(.*?)`", cell)
    ]
    assert len(lines) >= 8
    for line in lines:
        literals = re.split(r"NAME|\bID\b|\bN\b|\d+|\.\.\.", line.removeprefix("Job ID: "))
        longest = max(literals, key=len).strip()
        assert longest in SOURCE or "redis" in longest, line  # Celery's own line


def test_the_pages_and_buttons_that_the_admins_guide_names_exist():
    guide = (ROOT / "docs" / "admin.md").read_text()
    templates = [path.read_text() for package in PACKAGES for path in (ROOT / package).rglob("*.html")]
    names = re.findall(r"(?<!\*)\*([A-Z][^*\n]+?)\*(?!\*)", guide)
    assert len(names) >= 12
    for name in names:
        assert name.lower() in "\n".join([SOURCE, *templates]).lower(), name


def test_no_document_names_the_machine_it_was_written_on(text):
    assert not re.search(r"/work/|/tmp/mr-|/root/", text)
