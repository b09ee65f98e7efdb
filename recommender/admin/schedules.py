"""When tasks run: Celery beat's own pages, dressed as all others."""

from typing import Any

from django.contrib import admin
from django_celery_beat import admin as beat
from django_celery_beat.models import (
    ClockedSchedule,
    CrontabSchedule,
    IntervalSchedule,
    PeriodicTask,
    SolarSchedule,
)
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from catalog.admin import StoredRecordAdmin

PARTS = {
    CrontabSchedule: beat.CrontabScheduleAdmin,
    IntervalSchedule: beat.IntervalScheduleAdmin,
    ClockedSchedule: beat.ClockedScheduleAdmin,
    SolarSchedule: beat.SolarScheduleAdmin,
}


class TaskSelect(UnfoldAdminSelectWidget, beat.TaskSelectWidget):
    """Offers the registered tasks."""


class TaskForm(beat.PeriodicTaskForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["task"].widget = UnfoldAdminTextInputWidget()
        self.fields["regtask"].widget = TaskSelect()


admin.site.unregister([PeriodicTask, *PARTS])


@admin.register(PeriodicTask)
class PeriodicTaskAdmin(beat.PeriodicTaskAdmin, StoredRecordAdmin):
    form = TaskForm


for model, page in PARTS.items():
    admin.site.register(model, type(page.__name__, (page, StoredRecordAdmin), {}))
