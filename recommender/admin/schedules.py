"""The schedules of tasks: Celery beat's own pages in the site's theme."""

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

SCHEDULE_ADMINS = {
    CrontabSchedule: beat.CrontabScheduleAdmin,
    IntervalSchedule: beat.IntervalScheduleAdmin,
    ClockedSchedule: beat.ClockedScheduleAdmin,
    SolarSchedule: beat.SolarScheduleAdmin,
}


class TaskSelect(UnfoldAdminSelectWidget, beat.TaskSelectWidget):
    """Offer the registered tasks."""


class TaskForm(beat.PeriodicTaskForm):
    """Edit a periodic task with the theme's widgets."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["task"].widget = UnfoldAdminTextInputWidget()
        self.fields["regtask"].widget = TaskSelect()


admin.site.unregister([PeriodicTask, *SCHEDULE_ADMINS])


@admin.register(PeriodicTask)
class PeriodicTaskAdmin(beat.PeriodicTaskAdmin, StoredRecordAdmin):
    """List and edit periodic tasks."""

    form = TaskForm


for model, base_admin in SCHEDULE_ADMINS.items():
    admin.site.register(model, type(base_admin.__name__, (base_admin, StoredRecordAdmin), {}))
