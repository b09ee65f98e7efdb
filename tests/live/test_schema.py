"""Schemathesis against the running server: no answer outside the schema, no 500."""

import subprocess
import sys
from pathlib import Path

import pytest

EVERY_PHASE = "examples,coverage,fuzzing,stateful"


@pytest.mark.parametrize(
    ("phases", "examples"), [("examples,fuzzing", 5), pytest.param(EVERY_PHASE, 40, marks=pytest.mark.slow)]
)
def test_whatever_the_schema_allows_or_forbids_is_answered_as_it_says(live, phases, examples, tmp_path):
    words = [
        Path(sys.executable).with_name("st"),
        "run",
        f"{live.url}/schema?format=json",
        *(
            "--url",
            live.url,
            "--seed",
            "1",
            "--continue-on-failure",
            "--phases",
            phases,
            "--max-examples",
            str(examples),
        ),
        *("-H", f"Authorization: Api-Key {live.key}", "--request-timeout", "30"),
    ]
    done = subprocess.run(words, capture_output=True, text=True, timeout=900, cwd=tmp_path)
    assert done.returncode == 0, done.stdout[-5000:]
