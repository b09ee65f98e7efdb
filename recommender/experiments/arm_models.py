"""The models that the night trains for arms, by their recipes; and the recipe that was shipped to everyone."""

from collections.abc import Sequence

from django.db.models import Q

from recommender.ml.config import Recipe, parse_recipe
from recommender.models import Experiment, ExperimentArm

UNENDED = Q(experiment__status__in=[Experiment.Status.DRAFT, Experiment.Status.RUNNING])


def arms_to_train(experiment_id: int | None) -> Sequence[ExperimentArm]:
    """Return the arms with a recipe whose models are to be trained: of one experiment that has not ended, else of all
    that run, and of drafts where there is none yet."""
    arms = ExperimentArm.objects.exclude(recipe="").filter(UNENDED, stopped_at=None).select_related("experiment")
    if experiment_id is not None:
        wanted = Q(experiment=experiment_id)
    else:
        wanted = Q(experiment__status=Experiment.Status.RUNNING)
        wanted |= Q(experiment__status=Experiment.Status.DRAFT, model="")
    return list(arms.filter(wanted))


def set_model(arm_id: int, version: str) -> bool:
    """Have an arm serve this version. False where its experiment has ended, or it has this version."""
    return bool(ExperimentArm.objects.filter(UNENDED, pk=arm_id).exclude(model=version).update(model=version))


def shipped_recipe() -> Recipe | None:
    """Return the recipe that everyone's model is trained by, as the last arm with one that was shipped has it."""
    shipped = Experiment.objects.filter(status=Experiment.Status.SHIPPED).exclude(shipped_arm__recipe="")
    text = shipped.order_by("-ended_at").values_list("shipped_arm__recipe", flat=True).first()
    return parse_recipe(text) if text else None
