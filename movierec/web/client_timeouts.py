"""How long a client may take. Read before Django is, as the server needs it for its first connection."""

import os

HEADER_SECONDS = float(os.environ.get("MOVIEREC_HEADER_SECONDS") or 10)  # from the first byte to the last header
BODY_SECONDS = float(os.environ.get("MOVIEREC_BODY_SECONDS") or 30)  # of a body or an answer, and more with its bytes
