"""One POST to an endpoint: to the address that was checked, without redirects, within a bounded time."""

import http.client
import socket
import ssl
from collections.abc import Mapping
from urllib.parse import urlsplit

from recommender.webhooks.endpoints import EndpointError, resolve

TIMEOUT = 10.0  # seconds, of each step


def post(url: str, body: bytes, headers: Mapping[str, str]) -> int:
    """Send a body and return the status of the answer. Raises EndpointError where there is none."""
    parts = urlsplit(url)
    address = resolve(parts)
    is_tls = parts.scheme == "https"
    port = parts.port or (443 if is_tls else 80)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    host = parts.hostname or ""
    connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT)
    try:
        connection.sock = socket.create_connection((address, port), TIMEOUT)
        if is_tls:
            connection.sock = ssl.create_default_context().wrap_socket(connection.sock, server_hostname=host)
            connection.default_port = 443  # else the header Host would name it
        connection.request("POST", path, body, dict(headers))
        return connection.getresponse().status
    except ssl.SSLCertVerificationError:
        raise EndpointError("its certificate is not valid") from None
    except TimeoutError:
        raise EndpointError(f"it did not answer within {TIMEOUT:g} s") from None
    except (OSError, http.client.HTTPException) as error:
        raise EndpointError(f"it cannot be reached ({type(error).__name__})") from None
    finally:
        connection.close()
