"""Experiments: made here, started, stopped and shipped with a reason, and read."""

from collections.abc import Collection
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from unfold.admin import StackedInline
from unfold.decorators import action, display
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget, UnfoldBooleanWidget

from catalog.plurals import count_noun
from recommender import registry, tasks
from recommender.admin.base import ActionsByState, SummaryAboveForm, close_dialog_to, get_or_404
from recommender.admin.loop.insights import percent
from recommender.experiments import arm_models, lifecycle
from recommender.experiments.lifecycle import ExperimentError
from recommender.experiments.planning import LIST_BYTES, Plan, make_plan
from recommender.experiments.results import ArmResult, read_result
from recommender.experiments.units import GUARDS
from recommender.jobs import queue
from recommender.ml.config import parse_recipe
from recommender.models import Experiment, ExperimentArm, Job, ModelVersion
from recommender.serving.home.page import GENERIC_ORDER, PERSONAL_ORDER

FIXED = ("surface", "metric", "expected_effect", "traffic")  # once it was started
MAX_VERSIONS = 30
COLOURS = {"running": "info", "shipped": "success", "draft": "warning", "stopped": "danger"}


class MemoryForm(BaseDialogForm):
    """Tell what the models of the arms take before they are trained, or served."""

    form_before_template = "recommender/arm_memory.html"

    def get_before_template_context(self, request: HttpRequest, object_id: int | str | None = None) -> dict[str, Any]:
        """Return the arms with models of their own, each with its memory."""
        known = object_id is not None and str(object_id).isdecimal()
        experiment = Experiment.objects.filter(pk=int(object_id or 0)).first() if known else None
        return {"memory": [] if experiment is None else _memory_rows(make_plan(experiment))}


class EndForm(BaseDialogForm):
    """Ask why an experiment ends."""

    reason = forms.CharField(max_length=500, widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}))

    def signed_reason(self) -> str:
        """Return the reason with the name of the staff member."""
        return f"{self.cleaned_data['reason']} ({self.request.user.get_username()}, in the admin)"


class ShipForm(EndForm):
    """Ask which arm everyone is to get, and why; where the verdict does not say so, whether that is meant."""

    form_before_template = "recommender/verdict.html"
    arm = forms.ChoiceField(widget=UnfoldAdminSelectWidget, help_text="What everyone is to get.")
    is_meant = forms.BooleanField(
        required=False, widget=UnfoldBooleanWidget, label="Ship it though the verdict does not say so"
    )

    def __init__(self, request: HttpRequest, object_id: int | str | None = None, *args: Any, **more: Any) -> None:
        super().__init__(request, object_id, *args, **more)
        arms = ExperimentArm.objects.filter(experiment_id=object_id or 0, stopped_at=None).order_by("pk")
        self.fields["arm"].choices = [(name, name) for name in arms.values_list("name", flat=True)]
        running = Experiment.objects.filter(pk=object_id or 0, status=Experiment.Status.RUNNING).first()
        self.result = None if running is None else read_result(running)

    def get_before_template_context(self, request: HttpRequest, object_id: int | str | None = None) -> dict[str, Any]:
        """Return what the experiment says so far."""
        return {"result": self.result}

    def clean(self) -> None:
        """Refuse an arm that the verdict does not say to ship, unless that is meant."""
        super().clean()
        if self._other_verdict() and not self.cleaned_data.get("is_meant"):
            self.add_error("is_meant", "The verdict does not say to ship this arm: tick this where you mean it.")

    def signed_reason(self) -> str:
        """Return the reason with the name of the staff member, and with the verdict where it says otherwise."""
        reason, verdict = super().signed_reason(), self._other_verdict()
        return f"{reason} The verdict was: {verdict}" if verdict else reason

    def _other_verdict(self) -> str:
        """Return the verdict where it does not say to ship this arm, else ""; "" for one that does not run."""
        if self.result is None:
            return ""
        to_ship = self.result.to_ship
        return "" if to_ship is not None and to_ship.name == self.cleaned_data.get("arm") else self.result.verdict


class ArmFormSet(forms.BaseInlineFormSet):
    """The arms of a draft as they are entered."""

    def clean(self) -> None:
        """Add errors for rows of the home page that there are not, and for recipes that cannot be trained."""
        super().clean()
        for form in self.forms:
            values = getattr(form, "cleaned_data", {})
            order, recipe = values.get("home_order", ""), values.get("recipe", "")
            if recipe:
                try:
                    parse_recipe(recipe)
                except ValueError as error:
                    form.add_error("recipe", str(error))
            if unknown := [kind for kind in order.split() if kind not in PERSONAL_ORDER + GENERIC_ORDER]:
                kinds = ", ".join(dict.fromkeys(PERSONAL_ORDER + GENERIC_ORDER))
                form.add_error("home_order", f"There is no row {unknown[0]}. There are: {kinds}.")


class ArmInline(StackedInline):
    """The arms, the control first. What runs is not changed: changed weights would move viewers."""

    model = ExperimentArm
    extra = 0
    min_num = 2
    fields = (("name", "weight"), ("diversity", "freshness"), "with_seen", "model", "recipe", "home_order")
    formset = ArmFormSet

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        """Offer the model versions that can be served, the newest first."""
        if db_field.name == "model":
            versions = ModelVersion.objects.exclude(status=ModelVersion.Status.REFUSED).order_by("-pk")
            names = versions.values_list("name", flat=True)[:MAX_VERSIONS]
            choices = [("", "the active one"), *((name, name) for name in names)]
            return forms.ChoiceField(choices=choices, required=False, widget=UnfoldAdminSelectWidget(choices=choices))
        return super().formfield_for_dbfield(db_field, request, **options)

    def has_add_permission(self, request: HttpRequest, obj: Experiment | None = None) -> bool:
        """Allow changes to drafts alone."""
        return _is_draft(obj) and super().has_add_permission(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Experiment | None = None) -> bool:
        """Allow changes to drafts alone."""
        return _is_draft(obj) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Experiment | None = None) -> bool:
        """Allow changes to drafts alone."""
        return _is_draft(obj) and super().has_delete_permission(request, obj)


@admin.register(Experiment)
class ExperimentAdmin(ActionsByState, SummaryAboveForm):
    """Make an experiment, start it, read it, end it."""

    change_form_outer_before_template = "recommender/experiment.html"
    list_display = ("name", "status_label", "metric", "owner", "started_at", "ended_at")
    list_filter = ("status",)
    search_fields = ("name", "hypothesis")
    fields = (
        "name",
        "hypothesis",
        "surface",
        ("ends_on", "traffic"),
        ("metric", "expected_effect"),
        ("status_label", "owner"),
        ("started_at", "ended_at", "shipped_arm"),
        "reason",
    )
    readonly_fields = ("status_label", "owner", "started_at", "ended_at", "shipped_arm", "reason")
    inlines = (ArmInline,)
    actions_detail = ("train_models", "start", "stop", "ship", "roll_back")

    def possible_actions(self, record: Experiment) -> Collection[str]:
        """Offer to start what is a draft, to end what runs, and to take back what was shipped."""
        trains = ["train_models"] if arm_models.arms_to_train(record.pk) else []
        match record.status:
            case Experiment.Status.DRAFT:
                return [*trains, "start"]
            case Experiment.Status.RUNNING:
                return [*trains, "stop", "ship"]
            case Experiment.Status.SHIPPED:
                return ["roll_back"]
        return []

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Keep what decides fixed once it was started."""
        return (*self.readonly_fields, *(() if _is_draft(obj) else FIXED))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Protect what was started: it is the memory of why things are as they are."""
        return _is_draft(obj) and super().has_delete_permission(request, obj)

    def has_operate_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Allow starting and ending to staff who may change experiments."""
        return bool(request.user.has_perm("recommender.change_experiment"))

    @display(description="status", ordering="status", label=COLOURS)
    def status_label(self, experiment: Experiment) -> str:
        """Return the status, which the theme colours."""
        return experiment.status

    def summary(self, record: Experiment) -> dict[str, Any]:
        """Return what a draft will take, or what came of the experiment, as experiment.html shows it."""
        if record.status == Experiment.Status.DRAFT:
            plan = make_plan(record)
            return {
                "plan": plan,
                "rate": percent(plan.rate),
                "needed": f"{plan.viewers_needed:,}",
                "daily": f"{plan.viewers_a_day:,.0f}",
                "memory": _memory_rows(plan),
                "powers": [(days, f"{power:.0%}") for days, power in plan.powers],
            }
        result = read_result(record)
        return {
            "result": result,
            "rows": [_row(arm) for arm in result.arms],
            "stopped": [arm.arm for arm in result.arms if arm.arm.stopped_at],
            "guards": [row for arm in result.arms for row in _guard_rows(arm)],
            "uses_before": any(arm.once is not None and arm.once.uses_before for arm in result.arms),
            "needed": f"{result.viewers_needed:,}" if result.viewers_needed else "",
            "viewers": count_noun(sum(arm.viewers for arm in result.arms), "viewer"),
            "sample_ratio": f"{result.sample_ratio_p:.4f}",
        }

    @action(
        description="Train models",
        permissions=["operate"],
        dialog={
            "title": "Train the models of this experiment's arms now",
            "description": "Each arm with a recipe gets a model, which serves it if it passes the gate. The night does"
            " it again while the experiment runs.",
            "form_class": MemoryForm,
            "form_submit_text": "Train",
        },
    )
    def train_models(self, request: HttpRequest, form: BaseDialogForm, object_id: str) -> HttpResponse:
        """Start a job that trains the arms' models."""
        experiment = get_or_404(self, request, object_id)
        if not arm_models.arms_to_train(experiment.pk):
            messages.error(request, "No arm has a recipe: enter one, and save.")
            return close_dialog_to("recommender_experiment_change", experiment.pk)
        job = queue.create_unless_pending(Job.Kind.NIGHTLY, parameters={"of_experiment": experiment.pk})
        if job is None:
            messages.warning(request, "A nightly job waits or runs already: it, or the next one, trains them.")
            return close_dialog_to("recommender_job_changelist")
        tasks.enqueue(job)
        messages.success(request, "Started.")
        return close_dialog_to("recommender_job_change", job.pk)

    @action(
        description="Start",
        permissions=["operate"],
        dialog={
            "title": "Start this experiment",
            "description": "Viewers get the arms within seconds. Arms, weights and the metric that decides stay as they"
            " are from then on.",
            "form_class": MemoryForm,
            "form_submit_text": "Start",
        },
    )
    def start(self, request: HttpRequest, form: BaseDialogForm, object_id: str) -> HttpResponse:
        """Start the experiment."""
        return self._done(request, object_id, lambda pk: lifecycle.start(pk), "It runs.")

    @action(
        description="Stop",
        permissions=["operate"],
        dialog={
            "title": "Stop this experiment",
            "description": "Everyone gets again what they got before.",
            "form_class": EndForm,
            "form_submit_text": "Stop",
        },
    )
    def stop(self, request: HttpRequest, form: EndForm, object_id: str) -> HttpResponse:
        """Stop the experiment."""
        return self._done(request, object_id, lambda pk: lifecycle.stop(pk, form.signed_reason()), "It is stopped.")

    @action(
        description="Ship an arm",
        permissions=["operate"],
        dialog={
            "title": "Give everyone what an arm gets",
            "description": "The experiment ends, and the arm's settings hold for all; a model of its own becomes the"
            " active one. It can be rolled back.",
            "form_class": ShipForm,
            "form_submit_text": "Ship",
        },
    )
    def ship(self, request: HttpRequest, form: ShipForm, object_id: str) -> HttpResponse:
        """End the experiment and give everyone what the arm gets."""

        def ship(pk: int) -> Experiment:
            arm = ExperimentArm.objects.filter(experiment_id=pk, name=form.cleaned_data["arm"]).first()
            return lifecycle.ship(pk, arm.pk if arm else 0, form.signed_reason())

        return self._done(request, object_id, ship, "Everyone gets it within seconds.")

    @action(
        description="Roll back",
        permissions=["operate"],
        dialog={
            "title": "Take back what was shipped",
            "description": "What was shipped before holds again.",
            "form_class": EndForm,
            "form_submit_text": "Roll back",
        },
    )
    def roll_back(self, request: HttpRequest, form: EndForm, object_id: str) -> HttpResponse:
        """Take back what the experiment shipped."""
        return self._done(request, object_id, lambda pk: lifecycle.roll_back(pk, form.signed_reason()), "Rolled back.")

    def _done(self, request: HttpRequest, object_id: str, act: Any, message: str) -> HttpResponse:
        """Do something with the experiment of the address, and say what came of it."""
        experiment = get_or_404(self, request, object_id)
        try:
            act(experiment.pk)
        except (ExperimentError, registry.ActivationRefused) as error:
            messages.error(request, str(error))
        else:
            messages.success(request, message)
        return close_dialog_to("recommender_experiment_change", experiment.pk)


def _is_draft(experiment: Experiment | None) -> bool:
    return experiment is None or experiment.status == Experiment.Status.DRAFT


def _memory_rows(plan: Plan) -> list[tuple[str, str, str]]:
    """Return what each arm's model takes of Redis and of a web process, as arm_memory.html shows it."""
    return [
        (
            of.arm,
            f"{of.redis / 1e6:,.1f} MB of Redis"
            if of.redis
            else f"{LIST_BYTES / 1000:.1f} kB of Redis for each viewer",
            "" if of.process is None else f"{of.process / 1e6:,.1f} MB",
        )
        for of in plan.memory
    ]


def _row(result: ArmResult) -> tuple[str, ...]:
    """Return an arm as a row of the table."""
    difference, once = result.difference, result.once
    relative = None if once is None else once.relative
    return (
        f"{result.arm.name} (stopped)" if result.arm.stopped_at else result.arm.name,
        f"{result.viewers:,}",
        percent(result.rate),
        _told_difference(result),
        "" if difference is None else _interval(*difference.sequential),
        "" if once is None else _interval(*once.fixed),
        "" if relative is None else f"{relative[0]:+.1%} ({_interval(*relative[1:])})",
    )


def _told_difference(result: ArmResult) -> str:
    if result.difference is not None:
        return f"{result.difference.difference:+.2%}"
    return "the control" if result.is_control else "too little yet"


def _guard_rows(result: ArmResult) -> list[tuple[str, ...]]:
    """Return the guard metrics of an arm as rows of the table."""
    return [
        (
            GUARDS[name],
            result.arm.name,
            percent(guard.control),
            percent(guard.arm),
            f"{guard.difference:+.2%}",
            _interval(*guard.sequential),
        )
        for name, guard in result.guards.items()
    ]


def _interval(low: float, high: float) -> str:
    return f"{low:+.2%} to {high:+.2%}"
