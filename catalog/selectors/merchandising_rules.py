"""Merchandising rules as serving applies them: each with its movies, in the snapshot of the catalogue."""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from django.db import connection

MIN_TIME, MAX_TIME = np.iinfo(np.int64).min, np.iinfo(np.int64).max  # unix seconds: open at that end


class MerchandisingRule(NamedTuple):
    """A row of catalog.Rule with the movies that it is about."""

    id: int
    name: str
    action: str  # Rule.Action
    target: str  # Rule.Target
    positions: int
    surfaces: frozenset[str]  # Rule.Surface; empty: every list
    starts_at: int  # unix seconds
    ends_at: int  # exclusive
    changed_at: int
    movie_ids: np.ndarray  # int32, ascending


def rules_columns(condition: str) -> tuple[str, str]:
    """Return the SQL of two columns: the rules of the condition as JSON, and the packed movies of each, both by id."""
    rules = f"FROM catalog_rule r WHERE {condition}"
    seconds = "floor(date_part('epoch', r.{}))::bigint".format
    meta = f"""(SELECT json_agg(json_build_array(r.id, r.name, r.action, r.by, r.places, r.shelves,
        {seconds("starts_at")}, {seconds("ends_at")}, {seconds("changed_at")}) ORDER BY r.id)::text {rules})"""
    movies = f"""(SELECT array_agg((
        SELECT coalesce(string_agg(int4send(m.movie_id), '' ORDER BY m.movie_id), '') FROM (
          SELECT r.movie_id WHERE r.movie_id IS NOT NULL
          UNION SELECT movie_id FROM catalog_movie_genres WHERE genre_id = r.genre_id
          UNION SELECT movie_id FROM catalog_credit WHERE person_id = r.person_id
          UNION SELECT movie_id FROM catalog_movietag WHERE tag_id = r.tag_id
        ) m) ORDER BY r.id) {rules})"""
    return meta, movies


ACTIVE_RULES = rules_columns("r.enabled AND (r.ends_at IS NULL OR r.ends_at > now())")
_SELECT_ONE = f"SELECT {', '.join(rules_columns('r.id = %s'))}"


def decode_rules(meta: str | None, movies: Sequence[Any] | None) -> tuple[MerchandisingRule, ...]:
    """Decode the two columns of rules_columns()."""
    rules = []
    for row, ids in zip(json.loads(meta or "[]"), movies or (), strict=True):
        rule_id, name, action, target, positions, surfaces, starts, ends, changed_at = row
        window = (MIN_TIME if starts is None else starts, MAX_TIME if ends is None else ends)
        movie_ids = np.frombuffer(ids, ">i4").astype(np.int32)
        rule = MerchandisingRule(
            rule_id, name, action, target, positions, frozenset(surfaces), *window, changed_at, movie_ids
        )
        rules.append(rule)
    return tuple(rules)


def merchandising_rule(rule_id: int) -> MerchandisingRule | None:
    """Return a rule, whether it is active or not; None where there is none."""
    with connection.cursor() as cursor:
        cursor.execute(_SELECT_ONE, [rule_id, rule_id])
        return next(iter(decode_rules(*cursor.fetchone())), None)
