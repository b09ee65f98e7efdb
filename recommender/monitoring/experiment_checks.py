"""Check that what running experiments serve is there."""

from recommender.experiments.lifecycle import is_servable
from recommender.models import Experiment, ExperimentArm
from recommender.monitoring.checks import Check, Status


def check_experiments() -> Check:
    """Check that the models of running experiments' arms can be served; where one is missing its viewers get what they
    got before."""
    name, label = "experiments", "Experiments"
    served = ExperimentArm.objects.filter(experiment__status=Experiment.Status.RUNNING, stopped_at=None)
    arms = list(served.select_related("experiment"))
    running = len({arm.experiment_id for arm in arms})
    missing = [arm for arm in arms if arm.model and not is_servable(arm.model)]
    figures = {"running": float(running), "models_missing": float(len(missing))}
    if missing:
        arm = missing[0]
        detail = f"{arm.experiment}: {arm.model} of the arm {arm} is missing. Its viewers get the active model's lists"
        remedy = "Restore its folder from a backup, or stop the experiment."
        return Check(name, label, Status.FAIL, "a model is missing", detail, remedy, figures)
    return Check(name, label, Status.OK, f"{running} running" if running else "none runs", figures=figures)
