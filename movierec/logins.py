"""That logins to the admin failed until the door closed, without the name or the address that it closed for."""

import logging
from typing import Any

from axes.signals import user_locked_out
from django.conf import settings
from django.dispatch import receiver

log = logging.getLogger(__name__)


@receiver(user_locked_out)
def note_lock(**_: Any) -> None:
    words = "Logins to the admin are closed for one name and address, for %s, after %d failures in a row."
    log.warning(words, settings.AXES_COOLOFF_TIME, settings.AXES_FAILURE_LIMIT)
