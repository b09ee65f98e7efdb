"""Merchandising rules as serving applies them: each with the films that it is of, in the snapshot of the catalogue."""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from django.db import connection

MIN_TIME, MAX_TIME = np.iinfo(np.int64).min, np.iinfo(np.int64).max


class MerchandisingRule(NamedTuple):
    """A row of catalog.Rule."""

    id: int
    name: str
    action: str  # Rule.Action
    target: str  # Rule.By
    positions: int
    surfaces: frozenset[str]  # Rule.Shelf; empty: every list
    starts_at: int  # unix seconds
    ends_at: int  # exclusive
    changed_at: int
    movie_ids: np.ndarray  # int32, ascending


def rules_columns(condition: str) -> tuple[str, str]:
    """Two columns: the rules that satisfy the condition as JSON, and the films of each, packed; both by their ids."""
    rules = f"FROM catalog_rule r WHERE {condition}"
    seconds = "floor(date_part('epoch', r.{}))::bigint".format
    meta = f"""(SELECT json_agg(json_build_array(r.id, r.name, r.action, r.by, r.places, r.shelves,
        {seconds("starts_at")}, {seconds("ends_at")}, {seconds("changed_at")}) ORDER BY r.id)::text {rules})"""
    films = f"""(SELECT array_agg((
        SELECT coalesce(string_agg(int4send(m.movie_id), '' ORDER BY m.movie_id), '') FROM (
          SELECT r.movie_id WHERE r.movie_id IS NOT NULL
          UNION SELECT movie_id FROM catalog_movie_genres WHERE genre_id = r.genre_id
          UNION SELECT movie_id FROM catalog_credit WHERE person_id = r.person_id
          UNION SELECT movie_id FROM catalog_movietag WHERE tag_id = r.tag_id
        ) m) ORDER BY r.id) {rules})"""
    return meta, films


ACTIVE_RULES = rules_columns("r.enabled AND (r.ends_at IS NULL OR r.ends_at > now())")
_SELECT_ONE = f"SELECT {', '.join(rules_columns('r.id = %s'))}"


def decode_rules(meta: str | None, films: Sequence[Any] | None) -> tuple[MerchandisingRule, ...]:
    rows = zip(json.loads(meta or "[]"), films or (), strict=True)
    return tuple(_rule(*row, np.frombuffer(ids, ">i4").astype(np.int32)) for row, ids in rows)


def _rule(*columns: Any) -> MerchandisingRule:
    number, name, action, by, places, shelves, starts, ends, changed, movie_ids = columns
    window = (MIN_TIME if starts is None else starts, MAX_TIME if ends is None else ends)
    return MerchandisingRule(number, name, action, by, places, frozenset(shelves), *window, changed, movie_ids)


def merchandising_rule(rule_id: int) -> MerchandisingRule | None:
    """One rule, live or not."""
    with connection.cursor() as cursor:
        cursor.execute(_SELECT_ONE, [rule_id, rule_id])
        return next(iter(decode_rules(*cursor.fetchone())), None)
