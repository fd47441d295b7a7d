"""A headless Chromium that is spoken to through two pipes, by Chrome's DevTools protocol: no driver, no socket, no package.

Belongs here: opening pages, asking them, pictures of them. Not here: what is asked.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# The browser reads from 3 and writes to 4; the launcher puts our pipes there.
LAUNCH = "import os, sys; os.dup2(int(sys.argv[1]), 3); os.dup2(int(sys.argv[2]), 4); os.execvp(sys.argv[3], sys.argv[3:])"


def chromium() -> str | None:
    """Where a Chromium is, or None."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


class PageError(AssertionError):
    """A script of the page failed, or what was asked of it did."""


class Tab:
    """One page. `errors`: what its scripts threw and its console called an error since it was opened."""

    def __init__(self, incoming: int, outgoing: int) -> None:
        self._in, self._out = os.fdopen(incoming, "rb"), os.fdopen(outgoing, "wb")
        self._rest, self._asked, self._session = b"", 0, ""
        self.errors: list[str] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Accessibility"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """What the browser answers to a command of the protocol."""
        self._asked += 1
        asked = {"id": self._asked, "method": method, "params": parameters}
        if self._session:
            asked["sessionId"] = self._session
        self._out.write(json.dumps(asked).encode() + b"\0")
        self._out.flush()
        while (told := self._next()).get("id") != self._asked:
            self._note(told)
        if "error" in told:
            raise PageError(f"{method}: {told['error']}")
        return told.get("result", {})

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            read = self._in.read1(1 << 20)
            if not read:
                raise PageError("the browser has ended")
            self._rest += read
        message, self._rest = self._rest.split(b"\0", 1)
        return json.loads(message)

    def _note(self, told: dict[str, Any]) -> None:
        method, what = told.get("method"), told.get("params", {})
        if method == "Runtime.exceptionThrown":
            self.errors.append(str(what["exceptionDetails"].get("exception", {}).get("description", what["exceptionDetails"]["text"])))
        elif method == "Log.entryAdded" and what["entry"]["level"] == "error":
            self.errors.append(what["entry"]["text"])

    def open(self, path: Path, fragment: str = "", *, width: int = 1440, height: int = 900, dark: bool = False) -> float:
        """Open a file; the seconds from the beginning of the navigation to the second frame after it was loaded."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        self.errors.clear()
        self.call("Page.navigate", url="about:blank")
        self.call("Page.navigate", url=path.resolve().as_uri() + fragment)
        painted = "requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() / 1000)))"
        ready = "document.readyState === 'complete' ? go() : addEventListener('load', go)"
        return float(self.ask(f"new Promise(done => {{ const go = () => {painted}; {ready}; }})"))

    def ask(self, script: str) -> Any:
        """The value of an expression in the page; a promise's when it is kept."""
        found = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in found:
            raise PageError(found["exceptionDetails"].get("exception", {}).get("description", found["exceptionDetails"]["text"]))
        return found["result"].get("value")

    def press(self, key: str, text: str = "") -> None:
        """Press and let go a key, as a keyboard does."""
        codes = {"Tab": 9, "Enter": 13, "Escape": 27, "ArrowDown": 40, "/": 191}
        what = {"key": key, "code": key, "windowsVirtualKeyCode": codes[key]}
        self.call("Input.dispatchKeyEvent", type="keyDown", **what, **({"text": text} if text else {}))
        self.call("Input.dispatchKeyEvent", type="keyUp", **what)

    def point(self, selector: str, *, click: bool = False) -> None:
        """Move the mouse to the middle of an element, and click it; then wait for a frame."""
        place = self.ask(
            f"(() => {{ const el = document.querySelector({json.dumps(selector)});"
            " el.scrollIntoView({block: 'center', inline: 'center'});"
            " const r = el.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; })()"
        )
        at = {"x": place[0], "y": place[1]}
        self.call("Input.dispatchMouseEvent", type="mouseMoved", **at)
        if click:
            for kind in ("mousePressed", "mouseReleased"):
                self.call("Input.dispatchMouseEvent", type=kind, button="left", clickCount=1, **at)
        self.frame()

    def frame(self) -> None:
        self.ask("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(1))))")

    def picture(self) -> bytes:
        """What is to be seen, as PNG."""
        return base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"])


@contextmanager
def browsing() -> Iterator[Tab]:
    """A fresh browser with one page, which ends with the block."""
    name = chromium()
    if not name:
        raise FileNotFoundError(f"no Chromium on the path; looked for {', '.join(NAMES)}")
    to_read, to_write = os.pipe()
    from_read, from_write = os.pipe()
    theirs = [fcntl.fcntl(f, fcntl.F_DUPFD, 10) for f in (to_read, from_write)]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        flags = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run", f"--user-data-dir={home}"]
        running = subprocess.Popen(
            [sys.executable, "-c", LAUNCH, *map(str, theirs), name, *flags, "--remote-debugging-pipe", "about:blank"],
            pass_fds=theirs,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for f in (to_read, from_write, *theirs):
            os.close(f)
        tab = None
        try:
            tab = Tab(from_read, to_write)
            yield tab
        finally:
            running.terminate()
            running.wait(20)
            if tab:
                tab._in.close()
                tab._out.close()
