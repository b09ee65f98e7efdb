"""Whether a secret is strong enough."""

import re

PLACEHOLDERS = re.compile(r"change.?me|insecure|password|example|your.?key|placeholder|123456|qwerty", re.IGNORECASE)
MIN_DISTINCT = 8  # different characters


def weakness(secret: str, min_length: int) -> str:
    """Return what is wrong with a secret of at least `min_length` characters; "" for a good one."""
    if len(secret) < min_length:
        return f"it has {len(secret)} characters, and {min_length} are the least; take them at random"
    if len(set(secret)) < MIN_DISTINCT:
        return f"it has only {len(set(secret))} different characters; take them at random"
    placeholder = PLACEHOLDERS.search(secret)
    return f"it has {placeholder[0]!r} in it; take it at random" if placeholder else ""
