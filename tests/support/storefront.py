"""A browser window in the storefront, as a viewer has it, and a server of posters that are not what they should be."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from catalog.limits import DEMO_ID_BASE
from tests.support.workers import wait_until

FLAGS = "--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking --disable-dev-shm-usage"
SCREEN, PHONE = {"width": 1280, "height": 860}, {"width": 390, "height": 844}  # pixels
VIEWER = DEMO_ID_BASE + 1
FILM = DEMO_ID_BASE + 100
# Two pixels by three, blue.
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000002000000030802000000368849d6000000104944415478da6350703800440c2814"
    "00433506c1ef7c2cbf0000000049454e44ae426082"
)


def wait_for(page: Any, condition: str) -> None:
    """Wait until an expression holds in the page; the page's own policy lets Playwright's function evaluate nothing."""
    wait_until(lambda: page.evaluate(condition), 60)


class Visit:
    """A browser window in the storefront. What its console complains of fails the test that looks at `complaints`."""

    def __init__(self, browser: Any, url: str, **options: Any) -> None:
        self.context = browser.new_context(**{"viewport": SCREEN, "locale": "en-US", **options})
        self.context.set_default_timeout(60_000)  # ms; the machine may be busy
        self.page, self.url = self.context.new_page(), url
        self.complaints: list[str] = []
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", self._listen)

    def _listen(self, line: Any) -> None:
        if line.type == "error":
            self.complaints.append(line.text)

    def open(self, path: str) -> Any:
        self.page.goto(self.url + path)
        self.settle()
        return self.page

    def settle(self) -> None:
        """Wait until nothing is still to come but rows that are drawn when they are near."""
        self.page.wait_for_selector("main h1, main h2")
        wait_for(self.page, "[...document.querySelectorAll('main .skeleton')].every(one => one.closest('ul.strip'))")

    def become(self, viewer: int | str | None = VIEWER) -> Any:
        """Come to the first page as a viewer of the demo, without the chooser."""
        who = "null" if viewer is None else json.dumps({"id": viewer, "label": "one of the demo"})
        self.page.goto(self.url + "/search")
        self.page.evaluate("who => localStorage.setItem('movierec.viewer', who)", who)
        return self.open("/")


class PosterServer:
    """Serve /good.png; /missing.png is 404, /words.png is a text, and /hangs.png gives no answer until the end."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self._ends = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append(self.path)
                if self.path == "/hangs.png":
                    outer._ends.wait()
                    return
                self.send_response(404 if self.path == "/missing.png" else 200)
                words = self.path != "/good.png"
                self.send_header("Content-Type", "text/plain" if words else "image/png")
                self.end_headers()
                self.wfile.write(b"This is no picture." if words else PNG)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        """Let go of every call and end."""
        self._ends.set()
        self._server.shutdown()
        self._server.server_close()
