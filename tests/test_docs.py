"""What the documents name exists: commands, options, addresses, variables, files."""

import re
from pathlib import Path

import pytest
from django.core.management import get_commands, load_command_class
from django.urls import Resolver404, resolve

from benchmarks.__main__ import benchmark_names

ROOT = Path(__file__).parent.parent
DOCUMENTS = [ROOT / "README.md", ROOT / "ARCHITECTURE.md", *sorted((ROOT / "docs").glob("*.md"))]
SOURCE = "\n".join(path.read_text() for folder in ("movierec", "recommender") for path in (ROOT / folder).rglob("*.py"))
RUN = (ROOT / "run").read_text()


@pytest.fixture(params=DOCUMENTS, ids=lambda path: path.name)
def text(request):
    return request.param.read_text()


def test_the_documents_are_there():
    assert {"README.md", "ARCHITECTURE.md", "api.md", "quality.md", "lab-log.md"} <= {path.name for path in DOCUMENTS}


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


def test_every_variable_is_read_and_every_one_that_is_read_is_in_the_readme():
    readme = (ROOT / "README.md").read_text()
    for name in set(re.findall(r"`(MOVIEREC_\w+)`", readme)):
        assert name in SOURCE + RUN, f"{name} is documented and nothing reads it"
    settings = (ROOT / "movierec" / "settings.py").read_text()
    for name in set(re.findall(r'env[.\w]*\("(\w+)"', settings)):
        assert f"`{name}`" in readme, f"{name} is read and README.md does not tell"


def test_every_linked_file_exists(text):
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", text):
        assert (ROOT / target).exists() or (ROOT / "docs" / target).exists(), target
