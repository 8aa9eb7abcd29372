# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an exception of requests means, and what a page says to its reader."""

from __future__ import annotations

import re
import ssl
import typing as t
from urllib.parse import urlsplit

try:
    import requests
    import requests.utils
    import urllib3.exceptions
except ImportError:
    # the module names what is missing before anything here is used
    pass


def may_pass(error: OSError) -> bool:
    """Whether a read that broke like this may work when it is repeated."""
    broken = (
        requests.exceptions.ConnectionError,
        requests.exceptions.Timeout,
        requests.exceptions.ChunkedEncodingError,
    )
    if isinstance(error, requests.exceptions.SSLError):
        # a server that went away, such as a load balancer that is restarted; the others are about certificates
        return any(isinstance(link, ssl.SSLEOFError) for link in _chain(error))
    words = innermost(error)
    return isinstance(error, broken) and not refused_by_proxy(error) and not cannot_resolve(words)


def may_have_arrived(error: OSError) -> bool:
    """False only where it is sure that no byte of the request reached the server."""
    never = (
        requests.exceptions.ConnectTimeout,
        urllib3.exceptions.NewConnectionError,
        ssl.SSLCertVerificationError,
    )
    if not isinstance(error, requests.exceptions.RequestException) or refused_by_proxy(error):
        return False
    return not any(isinstance(link, never) for link in _chain(error))


def refused_by_proxy(error: OSError) -> bool:
    """Whether a proxy answered what is desired for a tunnel with a no; a connection to it can also just break."""
    words = innermost(error)
    return isinstance(error, requests.exceptions.ProxyError) and words.startswith("Tunnel connection failed")


def is_about_tls(error: OSError) -> bool:
    """Whether certificates are the matter; a bundle that is not there is an OSError of no kind of requests."""
    return isinstance(error, requests.exceptions.SSLError) or not isinstance(
        error, requests.exceptions.RequestException
    )


def cannot_resolve(words: str) -> bool:
    """Whether the words of an exception are about the name service."""
    return re.search(r"resol|name or service not known|no address associated", words, re.IGNORECASE) is not None


def _chain(error: BaseException) -> t.Iterator[BaseException]:
    """An exception and those that it wraps; urllib3 and requests wrap a cause several times."""
    observed: BaseException | None = error
    while observed is not None:
        yield observed
        reason = getattr(observed, "reason", None)
        inside = reason if isinstance(reason, BaseException) else None
        observed = inside or next((arg for arg in observed.args if isinstance(arg, BaseException)), None)


def innermost(error: BaseException) -> str:
    """The words of the cause at the bottom; those above repeat the whole URL."""
    observed = list(_chain(error))[-1]
    words = str(observed.args[-1]) if observed.args else type(observed).__name__
    return re.sub(r"<[^>]*object at 0x[0-9a-f]+>:?\s*", "", words)


def environment_proxy(url: str) -> str:
    """Host and port, without credentials, of the proxy that the environment prescribes for a URL; empty for none."""
    proxies = requests.utils.get_environ_proxies(url, no_proxy=None)
    proxy = proxies.get(urlsplit(url).scheme) or proxies.get("all") or ""
    parts = urlsplit(proxy if "//" in proxy else f"//{proxy}")
    return parts.netloc.rsplit("@", 1)[-1]


def words_of(text: str) -> str:
    """A text in one line; of a page its title and what a reader sees."""
    if text.lstrip()[:1] != "<":
        return " ".join(text.split())
    title = " ".join(re.findall(r"<title[^>]*>(.*?)</title>", text, re.IGNORECASE | re.DOTALL)[:1]).strip()
    unchecked = r"<(head|script|style)\b.*?</\1>|<[^>]+>"
    observed = " ".join(re.sub(unchecked, " ", text, flags=re.IGNORECASE | re.DOTALL).split())
    return observed if observed.startswith(title) else f"{title}: {observed}".rstrip(": ")
