"""How long a client may take, and a balancer. Read before Django is: the server needs it for its first connection."""

import os

HEADER_SECONDS = float(os.environ.get("MOVIEREC_HEADER_SECONDS") or 10)  # from the first byte to the last header
BODY_SECONDS = float(os.environ.get("MOVIEREC_BODY_SECONDS") or 30)  # of a body or an answer, and more with its bytes
DRAIN_SECONDS = float(os.environ.get("MOVIEREC_DRAIN_SECONDS") or 0)  # not ready, and yet accepting, before the end
