"""To a webhook: the digest as JSON, signed.

The header `X-Yuanqing-Signature` is `sha256=` and the HMAC-SHA256 (hex) of `<X-Yuanqing-Timestamp>.<body>` with the secret;
`X-Yuanqing-Delivery` is the same at every try of one publication. No redirect is followed but a 307 or 308 to the same scheme,
host and port: the digest is for the one that was named.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from pipelines.delivery.remembered import Sent, plain

if TYPE_CHECKING:
    from assets.project import Project
    from pipelines.delivery.parcels import Parcel

TIMEOUT = (5, 15)
"""Seconds to connect, and between two bytes of the answer."""
HOPS = 3


def lacks(project: Project, department: str) -> str:
    """What of the webhook's settings is not there: its address, its secret."""
    from assets.secrets import SecretError, secret

    section = project.departments.section(project.settings, department)
    if not section.webhook_secret_from:
        return f"未设置 not set: departments.{department}.webhook_secret_from"
    try:
        secret(section.webhook_secret_from)
        address = _address(project, department)
    except SecretError as error:
        return str(error)
    if urlsplit(address).scheme not in ("http", "https") or not urlsplit(address).hostname:
        return f"{section.webhook}: 不是 http(s) 地址 holds no http(s) address"
    return ""


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """The value of `X-Yuanqing-Signature`."""
    return "sha256=" + hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def send(project: Project, parcel: Parcel) -> Sent:
    """Call the webhook; delivered is what is answered with 2xx. Never raises for what a server or the network does."""
    import requests

    from assets.secrets import secret

    section = project.departments.section(project.settings, parcel.department)
    address, key = _address(project, parcel.department), secret(str(section.webhook_secret_from))
    body = json.dumps(parcel.facts, ensure_ascii=False, sort_keys=True).encode()
    try:
        for _ in range(HOPS):
            stamp = str(int(time.time()))
            headers = {
                "Content-Type": "application/json; charset=utf-8",
                "X-Yuanqing-Timestamp": stamp,
                "X-Yuanqing-Delivery": parcel.id,
                "X-Yuanqing-Signature": signature(key, stamp, body),
            }
            with requests.post(address, data=body, headers=headers, timeout=TIMEOUT, allow_redirects=False, stream=True) as answer:
                code, location = answer.status_code, answer.headers.get("Location", "")
            if 200 <= code < 300:
                return Sent(ok=True)
            further = urljoin(address, location)
            if code not in (307, 308) or not location or urlsplit(further)[:2] != urlsplit(address)[:2]:
                away = "，转往他处，未跟随 redirected, not followed" if 300 <= code < 400 else ""
                return Sent(ok=False, reason=f"HTTP {code}{away}")
            address = further
    except (requests.RequestException, ValueError) as error:  # its words hold the address, which may hold a key
        return Sent(ok=False, reason=plain(type(error).__name__))
    return Sent(ok=False, reason=f"转向超过 {HOPS} 次 more than {HOPS} redirects")


def _address(project: Project, department: str) -> str:
    from assets.secrets import is_reference, secret

    given = str(project.departments.section(project.settings, department).webhook)
    return secret(given) if is_reference(given) else given
