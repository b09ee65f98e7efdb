"""Tell the operator what turned bad, by webhook and by e-mail: for those who have no Prometheus.

A check has to be bad at two rounds, a minute apart. Each alert is told once, and once more when it is over.
"""

import logging
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.utils import timezone

from recommender import webhooks
from recommender.models import Alert
from recommender.monitoring.checks import Check, Status, join_sentences
from recommender.monitoring.system_health import SystemReport

ROUNDS = "alerts"  # kind of work, in the heartbeats

log = logging.getLogger(__name__)


def watch(report: SystemReport) -> list[Alert]:
    """Raise and end alerts by a report of the system. Returns those that were told now."""
    bad = {check.name[:200]: check for check in report.checks if check.status == Status.FAIL}
    known_good = {check.name[:200] for check in report.checks if check.status in (Status.OK, Status.WARN)}
    now, told = timezone.now(), []
    with transaction.atomic():
        opened = {alert.check_name: alert for alert in Alert.objects.select_for_update().filter(ended_at=None)}
        for name, check in bad.items():
            alert = opened.get(name)
            text = describe(check)
            if alert is None:
                Alert.objects.create(check_name=name, label=check.label[:200], detail=text, seen_at=now)
            elif alert.raised_at is None:
                alert.raised_at, alert.detail = now, text
                alert.save()
                told.append(alert)
        for name in known_good & opened.keys():
            alert = opened[name]
            if alert.raised_at is None:
                alert.delete()
            else:
                alert.ended_at = now
                alert.save()
                told.append(alert)
        webhooks.queue_alerts([alert.pk for alert in told])
    for alert in told:
        mail(alert.label, alert.detail, is_over=alert.ended_at is not None)
    return told


def describe(check: Check) -> str:
    """Say what a check saw and what to do."""
    return join_sentences(f"{check.value}. {check.detail}", check.remedy)


def mail(label: str, text: str, *, is_over: bool) -> None:
    """Send an alert to the operator's addresses, if there are any; a failure is logged, and not tried again."""
    if not settings.ALERT_EMAILS:
        return
    subject = f"{label}: good again" if is_over else label
    body = f"{subject}. It was: {text}" if is_over else f"{label}: {text}"
    try:
        send_mail(f"movierec: {subject}", body, None, settings.ALERT_EMAILS)
    except (SMTPException, OSError) as error:
        log.warning("An alert could not be mailed: %s", error)
