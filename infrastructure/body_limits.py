"""How large the body of a request may be. The web server asks before it reads one, the API before it parses one."""

import re

ADMIN_ROOT = "/admin/"
MAX_BODY = 2 * 1024 * 1024  # bytes
MAX_FILE, MAX_HISTORY_FILE = 64 * 1024 * 1024, 16 * 1024 * 1024  # bytes; files are read piece by piece
MAX_FORM = 64 * 1024 * 1024  # bytes of a form of the admin; Django has its own limit for what is in it
HISTORY_PATH = re.compile(r"/users/[^/]+/history\Z")


def max_body_bytes(path: str) -> int:
    """Return how many bytes the body of a request to this path may have."""
    if path.startswith(ADMIN_ROOT):
        return MAX_FORM
    if path.startswith("/imports/"):
        return MAX_FILE
    return MAX_HISTORY_FILE if HISTORY_PATH.match(path) else MAX_BODY
