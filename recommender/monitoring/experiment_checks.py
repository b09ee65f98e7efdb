"""Check that what running experiments serve is there, and that their arms can be compared."""

from recommender.experiments.lifecycle import is_servable
from recommender.experiments.results import read_shares
from recommender.experiments.statistics import SRM_ALPHA
from recommender.monitoring.checks import Check, Status
from recommender.registry import artifacts
from recommender.registry.object_store import ObjectStoreUnavailable


def check_experiments() -> Check:
    """Check that the models of running experiments' arms can be served, as else their viewers get what they got before;
    and that the arms have the shares of viewers that they should have."""
    name, label = "experiments", "Experiments"
    running = read_shares()
    arms = [arm for shares in running for arm in shares.experiment.arms.all() if arm.model and arm.stopped_at is None]
    try:
        missing = [arm for arm in arms if not is_servable(arm.model)]
    except ObjectStoreUnavailable as error:
        return Check(name, label, Status.UNKNOWN, "unknown", str(error), "See to the model store.")
    uneven = [shares for shares in running if shares.p_value < SRM_ALPHA]
    figures = {"running": len(running), "models_missing": len(missing), "uneven": len(uneven)}
    values, details, remedies = [], [], []
    if missing:
        arm = missing[0]
        values.append("a model is missing")
        details.append(
            f"{arm.experiment}: the model {arm.model} of the arm {arm} is missing, "
            "its viewers get the active model's lists."
        )
        folder = artifacts.folder(arm.model)
        command = f"tar -xf BACKUP -C {folder.parent.parent} models/{folder.name}"
        remedies.append(f"Restore its folder from a backup ({command}), or stop the experiment.")
    if uneven:
        viewers = ", ".join(f"{arm} {count:,}" for arm, count in uneven[0].viewers.items())
        values.append("wrong shares of viewers")
        details.append(f"{uneven[0].experiment}: the viewers are {viewers}, which their weights do not make likely.")
        remedies.append(
            "Its results mean nothing: stop it, and find what loses viewers of one arm or counts them twice."
        )
    if values:
        return Check(name, label, Status.FAIL, ", ".join(values), " ".join(details), " ".join(remedies), figures)
    return Check(name, label, Status.OK, f"{len(running)} running" if running else "none runs", figures=figures)
