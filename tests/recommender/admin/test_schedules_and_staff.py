"""The pages of schedules, staff accounts and the audit log."""

import pytest
from django.contrib.auth.models import Group, User
from django.urls import reverse
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from recommender.models import AuditEntry
from tests.support.forms import submit

pytestmark = pytest.mark.django_db


def test_a_schedule_is_made_of_a_registered_task_and_switched_off(admin_client):
    every_hour = IntervalSchedule.objects.create(every=1, period="hours")
    add = reverse("admin:django_celery_beat_periodictask_add")
    fields = {"name": "charts", "regtask": "recommender.tasks.refresh_charts", "interval": str(every_hour.pk)}
    response = submit(admin_client, add, fields)
    assert response.status_code == 302, response.context["adminform"].form.errors
    task = PeriodicTask.objects.get(name="charts")
    assert (task.task, task.enabled) == ("recommender.tasks.refresh_charts", True)

    change = reverse("admin:django_celery_beat_periodictask_change", args=[task.pk])
    assert submit(admin_client, change, {"enabled": False}).status_code == 302
    task.refresh_from_db()
    assert not task.enabled


def test_a_staff_account_gets_a_role(admin_client):
    user = User.objects.create_user("vera", is_staff=True)
    analyst = Group.objects.get(name="analyst")
    change = reverse("admin:auth_user_change", args=[user.pk])
    assert submit(admin_client, change, {"groups": [str(analyst.pk)]}).status_code == 302
    assert list(user.groups.all()) == [analyst]


def test_nobody_deletes_an_audit_entry(admin_client):
    entry = AuditEntry.objects.create(actor="admin", action="erased", subject="x")
    delete = reverse("admin:recommender_auditentry_delete", args=[entry.pk])
    assert admin_client.post(delete, {"post": "yes"}).status_code == 403
    assert AuditEntry.objects.filter(pk=entry.pk).exists()
