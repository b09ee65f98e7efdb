"""`./run bench quality --similar`: well-known pairs that a person judged."""

import json
import subprocess
import sys

import numpy as np
import pytest

from tests.support.movielens import movielens_path


def bench(data):
    process = subprocess.run(
        [sys.executable, "-m", "benchmarks", "quality", "--similar", "--data", data],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert process.returncode == 0, process.stderr[-3000:]
    return json.loads(process.stdout.splitlines()[-1])


def test_pairs_that_a_person_judged_are_told_apart():
    result = bench(movielens_path("ml-latest-small.zip"))

    assert result["pairs"] > 1_200
    assert result["auc"]["today"]["by_hand"] >= 0.875
    assert result["auc"]["today"]["same_years_apart"] >= 0.875
    assert result["auc"]["today"]["liked"] > 0.57


def test_a_catalogue_without_ratings_is_measured_too(tmp_path):
    films = ["1,Toy Story (1995),Animation|Children", "3114,Toy Story 2 (1999),Animation|Children", "2,Jumanji (1999),"]
    (tmp_path / "movies.csv").write_text("\n".join(["movieId,title,genres", *films, ""]))

    result = bench(tmp_path)

    assert (result["movies"], result["pairs"], result["alike"], result["liked_pairs"]) == (3, 2, 1, 0)
    assert result["auc"]["today"] == {"by_hand": 1.0, "halves": [1.0, None], "same_years_apart": 1.0, "liked": None}


def test_no_pair_is_judged_twice():
    from benchmarks.quality.similar_films import FILM_PAIRS

    pairs = [
        (frozenset((line.split()[0], other.split()[1])), other[0])
        for line in FILM_PAIRS.read_text().splitlines()
        for other in line.split(" | ")[1:]
    ]
    assert len(pairs) == len(dict(pairs)) > 1_000
    assert {mark for _, mark in pairs} == {"=", "!"}


def test_auc_counts_the_pairs_in_the_right_order():
    from benchmarks.quality.similar_films import auc

    assert auc(np.array([3.0, 1.0, 1.0, 0.0]), np.array([True, True, False, False])) == pytest.approx(3.5 / 4)
