"""What a restore does at the end of its transaction."""

import re
from collections.abc import Mapping

CANCELLED_ERROR = "It had not ended when the backup was made that was restored."


def finalise_sql(counts: Mapping[str, int], catalogue: int, epoch: int) -> str:
    """SQL: the rows are those that were counted; both stamps are above those of either database, so that no list and
    no table in a process's memory is taken for true; what was under way when the backup was made is not taken up.
    `catalogue`, `epoch`: of the database that goes. Raises ValueError for a name that is no table's."""
    lines = []
    for table, count in counts.items():
        if not re.fullmatch(r"[a-z_]{1,60}", table):
            raise ValueError(f"{table!r} is no table")
        wrong = f"RAISE EXCEPTION '{table} has not the {int(count)} rows of the manifest'"
        lines.append(f"IF (SELECT count(*) FROM public.{table}) <> {int(count)} THEN {wrong}; END IF;")
    return f"""
        DO $$ BEGIN {" ".join(lines)} END $$;
        INSERT INTO public.catalog_revision AS r (id, catalogue, epoch) VALUES (1, {catalogue + 1}, {epoch + 1})
          ON CONFLICT (id) DO UPDATE
          SET catalogue = greatest(r.catalogue, {catalogue}) + 1, epoch = greatest(r.epoch, {epoch}) + 1;
        UPDATE public.recommender_job
          SET status = 'cancelled', holder = NULL, lease_until = NULL, finished_at = now(), error = '{CANCELLED_ERROR}'
          WHERE status IN ('queued', 'running');"""
