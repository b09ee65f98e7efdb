"""Events that a viewer's token sends: of its own viewer alone, of the last days, and few, so that no client poisons."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from django.utils import timezone
from rest_framework.exceptions import PermissionDenied

from catalog import selectors
from catalog.api.strict import VIEWER_FIELD
from catalog.keys import Key
from recommender.api.fields import named_viewer
from recommender.ingest.events import ClientEvent

MAX_OWN_EVENTS = 50  # in a call
MAX_AGE = timedelta(days=7)


def name_viewer(body: Any, viewer: Key) -> Any:
    """Return the body of POST /events with the token's viewer in each event. Raises PermissionDenied for another's."""
    if isinstance(body, list):
        return [name_viewer(event, viewer) for event in body]
    if not isinstance(body, dict):
        return body
    if "events" in body:
        return body | {"events": name_viewer(body["events"], viewer)}
    named = named_viewer(body.get(VIEWER_FIELD, viewer))
    if named is None or named.key != viewer:
        raise PermissionDenied("This token sends the events of its own viewer, and of nobody else.")
    return body | {VIEWER_FIELD: viewer}


def limit_own_events(events: Sequence[ClientEvent | str], viewer: Key) -> list[ClientEvent | str]:
    """Return the events with a reason in place of those that are too old. A session stays one, whatever they say."""
    profile = selectors.viewer_profile(viewer)
    is_session = profile is not None and profile.is_session
    oldest = timezone.now() - MAX_AGE
    reason = f"occurred_at: lies more than {MAX_AGE.days} days back: the site's own key sends older events."
    return [
        event
        if isinstance(event, str)
        else reason
        if event.occurred_at < oldest
        else replace(event, is_session=event.is_session or is_session)
        for event in events
    ]
