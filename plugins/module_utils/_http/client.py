# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One JSON client over requests for both servers: TLS, time-outs, retries, redirects, and errors in the server's own words."""

from __future__ import annotations

import re
import time
import traceback
import typing as t
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from urllib.parse import urlsplit

from .._core.errors import ApiError, BadInput, NoAnswer, TransportError
from .._core.secrets import Secrets
from .address import Address

try:
    import requests
    import requests.utils
except ImportError:
    REQUESTS_IMPORT_ERROR: str | None = traceback.format_exc()
else:
    REQUESTS_IMPORT_ERROR = None

#: HTTP statuses of a read that may pass when it is repeated (design §6); 503 joins them unless Nextcloud says maintenance.
PASSING_STATUSES = (429, 502, 503, 504)
PAUSES = (0.5, 2.0, 4.0)
LONGEST_RETRY_AFTER = 60.0
READING_METHODS = ("GET", "HEAD", "PROPFIND")


@dataclass(frozen=True)
class Connection:
    """How the play reaches one server.

    :param product: C(Nextcloud) or C(OpenProject), as it stands in messages.
    :param prefix: prefix of the option names that a message may have to name: C(nextcloud).
    :param address: where the play sends its requests.
    :param public: the address that the other server and the browsers use; it is what gets registered.
    :param timeout: seconds for each single request.
    :param verify: C(True), C(False) or the path of a CA bundle.
    """

    product: str
    prefix: str
    address: Address
    public: Address
    username: str
    password: str
    timeout: float
    verify: bool | str

    @property
    def server(self) -> str:
        """The server as messages name it."""
        return f"{self.product} ({self.address.typed})"


@dataclass(frozen=True)
class Answer:
    """What a server answered, unread beyond its type."""

    status: int
    headers: t.Mapping[str, str]
    text: str
    data: t.Any

    @property
    def is_json(self) -> bool:
        """Whether the body was announced and parsed as JSON."""
        return self.data is not None


class JsonClient:
    """A client for one server. Products subclass it and override :meth:`explain`.

    :param session: a C(requests.Session); one per server, because cookies are not separated by port (NC §9).
    :param sleep: called with seconds between two tries.
    """

    default_headers: t.Mapping[str, str] = {"Accept": "application/json"}
    #: an everyday cause of slow answers, as a continuation of a message about a time-out
    slow_because = ""

    def __init__(
        self,
        connection: Connection,
        secrets: Secrets,
        *,
        session: requests.Session | None = None,
        sleep: t.Callable[[float], None] = time.sleep,
    ) -> None:
        self.connection, self.secrets, self._sleep = connection, secrets, sleep
        secrets.add_credentials(connection.username, connection.password)
        self.session = session if session is not None else requests.Session()
        self.session.headers.update(self.default_headers)
        self.session.headers["User-Agent"] = "opnc.integration"
        # bytes, because requests encodes text as Latin-1 and both servers expect UTF-8 (psf/requests#3662);
        # being set at all, they also keep requests from reading .netrc
        self.session.auth = (connection.username.encode(), connection.password.encode())  # type: ignore[assignment]
        self.session.headers.update(self._public_headers())

    @property
    def server(self) -> str:
        """The server as messages name it."""
        return self.connection.server

    def call(
        self,
        method: str,
        path: str,
        *,
        attempted: str,
        json: t.Any = None,
        form: t.Mapping[str, str] | None = None,
        params: t.Mapping[str, str] | None = None,
        headers: t.Mapping[str, str] | None = None,
        accepted: t.Container[int] = (),
        timeout: float | None = None,
        authorization: str | None = None,
    ) -> Answer:
        """Send one request; reads are repeated where that can help, writes never are.

        :param attempted: what the request is for, as an infinitive.
        :param accepted: statuses of 300 and more that the caller decides on itself.
        :param timeout: seconds, when this request may take longer than the others.
        :param authorization: this Authorization header instead of the credentials; empty for none.
        :raises ApiError: the server refused, in its own words.
        :raises NoAnswer: a write whose effect is unknown.
        :raises TransportError: nothing usable came back.
        """
        reading = method in READING_METHODS
        for pause in (*PAUSES, None):
            last = pause is None or not reading
            try:
                answer = self._send(method, path, json, form, params, headers, timeout, authorization)
            except requests.exceptions.RequestException as error:
                if last or not _may_pass(error):
                    raise self._transport_error(error, attempted, reading) from error
                self._sleep(t.cast(float, pause))
                continue
            if answer.status < 300 or answer.status in accepted:
                return answer
            wait = None if last else _wait_for(answer, t.cast(float, pause))
            if wait is None:
                raise self._error(answer, method, path, attempted)
            self._sleep(wait)
        raise AssertionError("the last round always returns or raises")

    def read(self, path: str, *, attempted: str, **more: t.Any) -> t.Any:
        """GET JSON data.

        :raises TransportError: the answer is not JSON.
        """
        answer = self.call("GET", path, attempted=attempted, **more)
        if not answer.is_json:
            raise self._not_json(answer, attempted)
        return answer.data

    def explain(self, answer: Answer) -> tuple[str, dict[str, str]]:
        """The server's own words and the facts to decide on (C(identifier), C(attribute)) in an error answer."""
        raise NotImplementedError

    def refine(self, answer: Answer, attempted: str) -> ApiError | None:
        """A more exact error for an answer, when the product knows one."""
        return None

    def _send(
        self,
        method: str,
        path: str,
        json: t.Any,
        form: t.Mapping[str, str] | None,
        params: t.Mapping[str, str] | None,
        headers: t.Mapping[str, str] | None,
        timeout: float | None,
        authorization: str | None,
    ) -> Answer:
        seconds = timeout or self.connection.timeout
        response = self.session.request(
            method,
            f"{self.connection.address}{path}",
            json=json,
            data=form,
            params=params,
            headers=dict(headers or {}),
            auth=None if authorization is None else _Authorization(authorization),
            timeout=(min(seconds, 10.0), seconds),
            # given with each request, because only then it wins against REQUESTS_CA_BUNDLE (psf/requests#3829)
            verify=self.connection.verify,
            allow_redirects=False,
        )
        if "charset" not in response.headers.get("Content-Type", ""):
            response.encoding = "utf-8"
        return Answer(response.status_code, response.headers, response.text, _json_of(response))

    def _public_headers(self) -> dict[str, str]:
        """Both servers answer only to the name they are configured for; behind a TLS proxy they also want to hear of it (OP §2.2)."""
        address, public = self.connection.address, self.connection.public
        if address.scheme != "http" or (address.netloc == public.netloc and address.scheme == public.scheme):
            return {}
        self.session.cookies.set_policy(DefaultCookiePolicy(secure_protocols=("http", "https", "wss")))
        forwarded = {"X-Forwarded-Proto": "https"} if public.scheme == "https" else {}
        return {"Host": public.netloc, **forwarded}

    def _error(self, answer: Answer, method: str, path: str, attempted: str) -> ApiError | TransportError:
        if 300 <= answer.status < 400:
            return self._redirect(answer, path, attempted)
        refined = self.refine(answer, attempted)
        if refined is not None:
            return refined
        if not answer.is_json and _is_html(answer):
            return self._page(answer, attempted)
        words, facts = self.explain(answer)
        return ApiError(
            f"HTTP {answer.status}, {self.secrets.censor(words)}",
            attempted=attempted,
            server=self.server,
            status=answer.status,
            remedy=self._remedy_for(answer),
            **facts,
            **retry_after(answer),
        )

    def _remedy_for(self, answer: Answer) -> str:
        if answer.status == 429:
            return "The server throttles logins or requests from this address; wait a few minutes before the next try"
        if answer.status in (500, 502, 503, 504):
            return f"The server may still be starting; look at the log of {self.connection.product} and run again when it answers"
        return ""

    def _redirect(self, answer: Answer, path: str, attempted: str) -> TransportError:
        source, target = f"{self.connection.address}{path}", answer.headers.get("Location", "")
        parts = urlsplit(target)
        if parts.netloc and f"{parts.scheme}://{parts.netloc}" != self.connection.address.origin:
            base = target[: -len(path)] if path and target.endswith(path) else f"{parts.scheme}://{parts.netloc}"
            remedy = f"If {base} is this server, set {self.connection.prefix}_url to it; if not, something in front of the server wants a login first"
        else:
            remedy = f"Check the path in {self.connection.prefix}_url, and what stands in front of the server"
        return TransportError(
            f"HTTP {answer.status}, redirected from {source} to {self.secrets.censor(target) or 'nowhere'}; credentials are not sent along",
            attempted=attempted, server=self.server, remedy=remedy, status=answer.status, cause="redirect",
        )  # fmt: skip

    def _page(self, answer: Answer, attempted: str) -> TransportError:
        return TransportError(
            self.secrets.censor(f"HTTP {answer.status}, {_describe_page(answer)}"),
            attempted=attempted,
            server=self.server,
            remedy=self._proxy_remedy() or self._page_remedy(answer),
            status=answer.status,
            cause="page",
        )

    def _not_json(self, answer: Answer, attempted: str) -> TransportError:
        return self._page(answer, attempted)

    def _page_remedy(self, answer: Answer) -> str:
        product = self.connection.product
        if answer.headers.get("WWW-Authenticate") and answer.status == 401:
            realm = self.secrets.censor(answer.headers["WWW-Authenticate"])
            return f"Something in front of {product} asks for a login of its own ({realm}); let the play past it"
        if answer.status in (502, 503, 504):
            return f"A proxy in front of {product} answered: {product} is not ready. Run again when it is"
        return f"Check that {self.connection.prefix}_url is the address of {product} itself and that no proxy or portal answers in its place"

    def _proxy_remedy(self) -> str:
        proxy = _environment_proxy(str(self.connection.address))
        if not proxy:
            return ""
        return (
            f"The request went through the proxy {proxy} of the environment; if {self.connection.product} is to be reached directly,"
            f" add {self.connection.address.host} to no_proxy"
        )

    def _transport_error(
        self, error: requests.exceptions.RequestException, attempted: str, reading: bool
    ) -> TransportError:
        kind = TransportError if reading or not _may_have_arrived(error) else NoAnswer
        answer, remedy = self._cause(error)
        return kind(
            self.secrets.censor(answer),
            attempted=attempted,
            server=self.server,
            remedy=self._proxy_remedy() or remedy,
            cause="tls" if isinstance(error, requests.exceptions.SSLError) else "connection",
        )

    def _cause(self, error: requests.exceptions.RequestException) -> tuple[str, str]:
        prefix, product = self.connection.prefix, self.connection.product
        words = _innermost(error)
        if isinstance(error, requests.exceptions.SSLError):
            return (
                f"the TLS connection failed ({words})",
                f"If its certificate comes from a private authority, give its CA in {prefix}_ca_path",
            )
        if isinstance(error, requests.exceptions.ProxyError):
            return f"the proxy of the environment did not let the request through ({words})", ""
        if isinstance(error, requests.exceptions.ConnectTimeout):
            return (
                "no connection within the time-out",
                f"Check {prefix}_url and the firewalls between this host and {product}",
            )
        if isinstance(error, requests.exceptions.Timeout):
            return (
                f"no answer within {self.connection.timeout:g} seconds",
                f"If {product} is only slow, raise {prefix}_timeout{self.slow_because}",
            )
        if "Name or service not known" in words or "NameResolution" in words or "resolve" in words:
            return (
                f"the host name cannot be resolved ({words})",
                f"Check {prefix}_url and the name service of this host",
            )
        return f"the connection failed ({words})", f"Check that {product} runs and that {prefix}_url is right"


def check_ca_path(path: str | None, option: str) -> None:
    """Refuse a CA bundle that cannot be read; requests itself would only say so in a traceback.

    :raises BadInput: the file cannot be read.
    """
    if not path:
        return
    try:
        with open(path, "rb"):
            pass
    except IsADirectoryError:
        pass
    except OSError as error:
        raise BadInput(
            f"{option} cannot be read ({error.strerror})",
            remedy=f"Give a file on the host where the module runs: {path}",
        ) from error


class _Authorization:
    """An Authorization header of its own for one request; an empty one is left out."""

    def __init__(self, value: str) -> None:
        self._value = value

    def __call__(self, request: t.Any) -> t.Any:
        if self._value:
            request.headers["Authorization"] = self._value
        return request


def _json_of(response: requests.Response) -> t.Any:
    content_type = response.headers.get("Content-Type", "").split(";")[0].strip().lower()
    if content_type != "application/json" and not content_type.endswith("+json"):
        return None
    try:
        return response.json()
    except ValueError:
        return None


def _may_pass(error: Exception) -> bool:
    broken = (
        requests.exceptions.ConnectionError,
        requests.exceptions.Timeout,
        requests.exceptions.ChunkedEncodingError,
    )
    final = (requests.exceptions.SSLError, requests.exceptions.ProxyError)
    return isinstance(error, broken) and not isinstance(error, final) and "resolve" not in _innermost(error)


def _may_have_arrived(error: Exception) -> bool:
    """False only where it is sure that no byte of the request reached the server."""
    never = (requests.exceptions.ConnectTimeout, requests.exceptions.SSLError, requests.exceptions.ProxyError)
    return not isinstance(error, never) and "NewConnectionError" not in repr(error)


def _wait_for(answer: Answer, pause: float) -> float | None:
    """Seconds to wait before the same read is sent again, or None when that is pointless."""
    if answer.status not in PASSING_STATUSES or "X-Nextcloud-Maintenance-Mode" in answer.headers:
        return None
    asked = answer.headers.get("Retry-After", "")
    if not asked.isdigit():
        return pause
    return float(asked) if float(asked) <= LONGEST_RETRY_AFTER else None


def retry_after(answer: Answer) -> dict[str, int]:
    """The seconds that a throttling server asks for, as a fact of the error."""
    asked = answer.headers.get("Retry-After", "")
    return {"retry_after": int(asked)} if asked.isdigit() else {}


def _is_html(answer: Answer) -> bool:
    # an empty body announced as HTML is Nextcloud's own 404 for a missing app (NC §1.1), not a page of something else
    return bool(answer.text.strip()) and (
        "html" in answer.headers.get("Content-Type", "").lower() or answer.text.lstrip()[:1] == "<"
    )


def _describe_page(answer: Answer) -> str:
    title = re.search(r"<title[^>]*>(.*?)</title>", answer.text, re.IGNORECASE | re.DOTALL)
    content_type = answer.headers.get("Content-Type", "").split(";")[0] or "no content type"
    text = " ".join((title.group(1) if title else re.sub(r"<[^>]+>", " ", answer.text)).split())[:200]
    by = f" from {answer.headers['Server']}" if answer.headers.get("Server") else ""
    return f"an answer that is not JSON ({content_type}{by}{f': {text!r}' if text else ''})"


def _innermost(error: BaseException) -> str:
    """The words of the cause at the bottom; urllib3 wraps it several times and repeats the whole URL."""
    seen: BaseException = error
    while True:
        reason = getattr(seen, "reason", None)
        inner = (
            reason
            if isinstance(reason, BaseException)
            else next((arg for arg in seen.args if isinstance(arg, BaseException)), None)
        )
        if inner is None:
            break
        seen = inner
    words = str(seen.args[-1]) if seen.args else type(seen).__name__
    return re.sub(r"<[^>]*object at 0x[0-9a-f]+>:?\s*", "", words)


def _environment_proxy(url: str) -> str:
    """Host and port of the proxy that the environment prescribes for a URL, without credentials; empty when there is none."""
    proxy = requests.utils.get_environ_proxies(url, no_proxy=None).get(urlsplit(url).scheme, "")
    parts = urlsplit(proxy if "//" in proxy else f"//{proxy}")
    return parts.netloc.rsplit("@", 1)[-1]
