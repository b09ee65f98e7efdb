"""Who is in an experiment: written when the first list of it is recorded, for good."""

from collections.abc import Iterable
from datetime import datetime

from django.db import connection

from recommender.experiments.assignment import assign
from recommender.models import Experiment, Exposure


def record(served: Iterable[tuple[int, int, datetime]]) -> None:
    """Write the exposures of lists: arm, viewer and time of each. The first one of a viewer stays."""
    first: dict[tuple[int, int], datetime] = {}
    for arm_id, viewer_id, at in served:
        if arm_id and viewer_id:
            first[arm_id, viewer_id] = min(at, first.get((arm_id, viewer_id), at))
    if not first:
        return
    keys = sorted(first)  # the same order everywhere: two that write the same wait, they do not deadlock
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO recommender_exposure (experiment_id, arm_id, viewer_id, first_at, is_mixed)
               SELECT arm.experiment_id, arm.id, new.viewer_id, new.first_at, false
               FROM unnest(%s::int[], %s::int[], %s::timestamptz[]) AS new (arm_id, viewer_id, first_at)
               JOIN recommender_experimentarm AS arm ON arm.id = new.arm_id
               ON CONFLICT (experiment_id, viewer_id) DO NOTHING""",
            [[arm for arm, _ in keys], [viewer for _, viewer in keys], [first[key] for key in keys]],
        )


def erase_viewer(viewer_id: int) -> None:
    """Delete a viewer's exposures."""
    Exposure.objects.filter(viewer_id=viewer_id).delete()


def merge_viewers(from_id: int, into_id: int) -> None:
    """Have a viewer's exposures belong to another. Who got two arms of one experiment counts for neither."""
    kept = {exposure.experiment_id: exposure for exposure in Exposure.objects.filter(viewer_id=into_id)}
    assigned = {of.arm_id for surface in Experiment.Surface if (of := assign(into_id, surface)) is not None}
    for exposure in Exposure.objects.filter(viewer_id=from_id):
        other = kept.get(exposure.experiment_id)
        if other is not None:
            other.is_mixed |= other.arm_id != exposure.arm_id or exposure.is_mixed
            other.save(update_fields=["is_mixed"])
            exposure.delete()
        else:
            exposure.is_mixed |= exposure.arm_id not in assigned
            exposure.viewer_id = into_id
            exposure.save(update_fields=["is_mixed", "viewer_id"])
