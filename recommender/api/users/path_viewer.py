"""The viewer that a path names, as in /users/{id}/data."""

from django.http import Http404

from catalog.keys import VIEWER_KEY_RULE, Key, parse_key


def viewer_of_path(text: str) -> Key:
    """Return the key of the viewer that a path names. Raises Http404 for a text that can be no viewer's."""
    key = parse_key(text)
    if key is None:
        raise Http404(f"There can be no such viewer: {VIEWER_KEY_RULE}")
    return key
