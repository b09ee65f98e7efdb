"""Check that what running experiments serve is there, and that their arms can be compared."""

from recommender.experiments.lifecycle import is_servable
from recommender.experiments.results import read_shares
from recommender.experiments.statistics import SRM_ALPHA
from recommender.models import Experiment, ExperimentArm
from recommender.monitoring.checks import Check, Status
from recommender.registry.object_store import ObjectStoreUnavailable


def check_experiments() -> Check:
    """Check that the models of running experiments' arms can be served, as else their viewers get what they got before;
    and that the arms have the shares of viewers that they should have."""
    name, label = "experiments", "Experiments"
    served = ExperimentArm.objects.filter(experiment__status=Experiment.Status.RUNNING, stopped_at=None)
    arms = served.exclude(model="").select_related("experiment")
    try:
        missing = [arm for arm in arms if not is_servable(arm.model)]
    except ObjectStoreUnavailable as error:
        return Check(name, label, Status.UNKNOWN, "unknown", str(error), "See to the model store.")
    running = read_shares()
    uneven = [shares for shares in running if shares.p_value < SRM_ALPHA]
    figures = {"running": len(running), "models_missing": len(missing), "uneven": len(uneven)}
    if missing:
        arm = missing[0]
        detail = f"{arm.experiment}: {arm.model} of the arm {arm} is missing. Its viewers get the active model's lists"
        remedy = "Restore its folder from a backup, or stop the experiment."
        return Check(name, label, Status.FAIL, "a model is missing", detail, remedy, figures)
    if uneven:
        viewers = ", ".join(f"{arm} {count:,}" for arm, count in uneven[0].viewers.items())
        detail = f"{uneven[0].experiment}: the viewers are {viewers}, which their weights do not make likely"
        remedy = "Its results mean nothing: stop it, and find what loses viewers of one arm or counts them twice."
        return Check(name, label, Status.FAIL, "wrong shares of viewers", detail, remedy, figures)
    return Check(name, label, Status.OK, f"{len(running)} running" if running else "none runs", figures=figures)
