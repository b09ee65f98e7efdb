"""manage.py similar: what POST /similar answers, with the parts of each similarity."""

import pytest
from django.core.management import CommandError, call_command

from tests.support.cast import TOY_STORY
from tests.support.tiny_model import UNKNOWN_TO_MODEL

pytestmark = pytest.mark.usefixtures("model")


@pytest.mark.parametrize("text", [str(TOY_STORY), "toy stor"])
def test_it_prints_the_neighbours_that_the_api_answers(api, capsys, text):
    call_command("similar", text, "--top-k", "5")

    title, header, *rows = capsys.readouterr().out.splitlines()
    answer = api.post("/similar", {"movie_id": str(TOY_STORY), "top_k": 5})["similar"]
    assert title == f"{TOY_STORY} Toy Story (1995)"
    assert header.split() == ["similarity", "content", "liked"]
    assert [float(row.split()[0]) for row in rows] == pytest.approx([n["similarity"] for n in answer], abs=0.006)


def test_a_movie_unknown_to_the_model_has_content_alone(capsys):
    call_command("similar", str(UNKNOWN_TO_MODEL))

    rows = capsys.readouterr().out.splitlines()[2:]
    assert rows
    assert all(float(row.split()[2]) == 0 for row in rows)


@pytest.mark.parametrize("text", ["999999", "no such title"])
def test_an_unknown_movie_is_refused(text):
    with pytest.raises(CommandError, match=f"The catalogue has no film '{text}'"):
        call_command("similar", text)
