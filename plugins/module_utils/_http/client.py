# Copyright (c) 2026, the authors of opnc.integration
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One JSON client over requests for both servers.

TLS, time-outs, retries, redirects, and errors in the server's own words.
"""

from __future__ import annotations

import ssl
import time
import traceback
import typing as t
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from .._core.errors import ApiError, BadInput, NoAnswer, TransportError
from .._core.secrets import Secrets
from .address import Address
from .diagnosis import (
    cannot_resolve,
    environment_proxy,
    innermost,
    is_about_tls,
    may_have_arrived,
    may_pass,
    refused_by_proxy,
    words_of,
)

try:
    import requests
except ImportError:
    REQUESTS_IMPORT_ERROR: str | None = traceback.format_exc()
else:
    REQUESTS_IMPORT_ERROR = None

#: HTTP statuses of a read that may pass when it is repeated (design §6), 503 unless Nextcloud says maintenance
PASSING_STATUSES = (429, 502, 503, 504)
PAUSES = (0.5, 2.0, 4.0)
LONGEST_RETRY_AFTER = 60.0
READING_METHODS = ("GET", "HEAD", "PROPFIND")
#: seconds that only a server takes that holds the answer back; a login password costs Nextcloud one (NC §9)
SLOW = 8.0
LONGEST_EXCERPT = 200


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
    password: str = field(repr=False)
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

    default_headers: t.ClassVar[t.Mapping[str, str]] = {"Accept": "application/json"}
    #: an everyday cause of slow answers, as a continuation of a message about a time-out
    slow_because = ""
    #: which of its paths the other server asks for by itself, for messages about something that stands in front of it
    needed_by_the_other = ""

    def __init__(
        self,
        connection: Connection,
        secrets: Secrets,
        *,
        session: requests.Session | None = None,
        sleep: t.Callable[[float], None] = time.sleep,
        warn: t.Callable[[str], None] | None = None,
    ) -> None:
        self.connection, self.secrets, self._sleep, self._warn = connection, secrets, sleep, warn
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
            except OSError as error:
                # not only those of requests: it lets an OSError through for a CA bundle that is not there
                if last or not may_pass(error):
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

    def read(self, path: str, *, attempted: str, **more: t.Any) -> dict[str, t.Any]:
        """GET a JSON object.

        :raises TransportError: the answer is none.
        """
        return self.document(self.call("GET", path, attempted=attempted, **more), attempted)

    def document(self, answer: Answer, attempted: str) -> dict[str, t.Any]:
        """The JSON object in an answer; both servers answer with nothing else.

        :raises TransportError: there is none.
        """
        if not answer.is_json:
            raise self._not_json(answer, attempted)
        if not isinstance(answer.data, dict):
            raise TransportError(
                f"HTTP {answer.status}, an answer in JSON that is not one of {self.connection.product}",
                attempted=attempted,
                server=self.server,
                remedy=self._page_remedy(answer),
                status=answer.status,
                cause="page",
            )
        return t.cast("dict[str, t.Any]", answer.data)

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
        try:
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
        except requests.exceptions.RequestException:
            raise
        except ValueError as error:
            # requests reads the target of a redirect that it is not to follow, and stumbles over an impossible one
            raise requests.exceptions.ContentDecodingError(f"its answer cannot be read: {error}") from error
        if "charset" not in response.headers.get("Content-Type", ""):
            response.encoding = "utf-8"
        self._widen_cookies()
        if self._stands_in:
            # the server marks them for https, which ends before it; they go back to nobody but this server
            for cookie in self.session.cookies:
                cookie.secure = False
        if self._warn is not None and response.elapsed.total_seconds() > SLOW:
            self._warn(f"{self.server} answers very slowly{self.slow_because}.")
        return Answer(response.status_code, response.headers, response.text, _json_of(response))

    def _widen_cookies(self) -> None:
        """Let every cookie go with every request to this server.

        Nextcloud sets C(cookie_test) for the path of one request, and takes a request without it for a new login, which
        costs a password hash: 0.25 to 5 s were seen instead of 0.1 s on 29.0.6.
        """
        jar = self.session.cookies
        for cookie in [cookie for cookie in jar if cookie.path != "/"]:
            jar.clear(cookie.domain, cookie.path, cookie.name)
            cookie.path = "/"
            jar.set_cookie(cookie)

    @property
    def _stands_in(self) -> bool:
        """Whether the play speaks plain http to a server that is known by another address."""
        address, public = self.connection.address, self.connection.public
        return address.scheme == "http" and address.origin != public.origin

    def _public_headers(self) -> dict[str, str]:
        """Both servers answer only to the name they are configured for.

        Behind a TLS proxy they also want to hear of https (OP §2.2).
        """
        if not self._stands_in:
            return {}
        public = self.connection.public
        forwarded = {"X-Forwarded-Proto": "https"} if public.scheme == "https" else {}
        return {"Host": public.netloc, **forwarded}

    def excerpt(self, text: str) -> str:
        """The beginning of a text, of a page its words.

        Secrets are masked before it is cut, or a half of one would be left.
        """
        return words_of(self.secrets.censor(text))[:LONGEST_EXCERPT]

    def _error(self, answer: Answer, method: str, path: str, attempted: str) -> ApiError | TransportError:
        if 300 <= answer.status < 400:
            return self._redirect(answer, path, attempted)
        refined = self.refine(answer, attempted)
        if refined is not None:
            return refined
        if not answer.is_json and _is_html(answer):
            return self._page(answer, attempted)
        words, known = self.explain(answer)
        facts: dict[str, t.Any] = {**known, **retry_after(answer)}
        return ApiError(
            f"HTTP {answer.status}, {self.secrets.censor(words)}",
            attempted=attempted,
            server=self.server,
            status=answer.status,
            remedy=self._remedy_for(answer),
            **facts,
        )

    def _remedy_for(self, answer: Answer) -> str:
        if answer.status == 429:
            return "The server throttles logins or requests from this address; wait a few minutes before the next try"
        if answer.status in (500, 502, 503, 504):
            return (
                f"The server is not ready, or fails: it may still be starting; look at the log of"
                f" {self.connection.product} and run again when it answers"
            )
        return ""

    def _redirect(self, answer: Answer, path: str, attempted: str) -> ApiError | TransportError:
        source, target = f"{self.connection.address}{path}", answer.headers.get("Location", "")
        return TransportError(
            f"HTTP {answer.status}, redirected from {source} to {self.secrets.censor(target) or 'nowhere'};"
            " credentials are not sent along",
            attempted=attempted,
            server=self.server,
            remedy=_sentences(self._redirect_remedy(target, path), self._proxy_remedy()),
            status=answer.status,
            cause="redirect",
        )

    def _redirect_remedy(self, target: str, path: str) -> str:
        prefix, address, public = self.connection.prefix, self.connection.address, self.connection.public
        try:
            parts = urlsplit(target)
        except ValueError:
            parts = urlsplit("")
        origin = f"{parts.scheme}://{parts.netloc}"
        if not parts.netloc or origin == address.origin:
            return f"Check the path in {prefix}_url, and what stands in front of the server"
        base = self.secrets.censor(target[: -len(path)] if path and target.endswith(path) else origin)
        if (address.scheme, parts.scheme) == ("http", "https") and parts.hostname in (address.host, public.host):
            return (
                f"It wants https: set {prefix}_url to {base}. Where https ends in front of it and the play talks to it"
                f" behind that, leave {prefix}_url and set {prefix}_public_url to the address with https"
            )
        return (
            f"If {base} is this server, set {prefix}_url to it; if not, something in front of the server wants a login"
            f" first: let the play past it{self._other_needs}"
        )

    def _page(self, answer: Answer, attempted: str) -> TransportError:
        return TransportError(
            f"HTTP {answer.status}, {self._describe_page(answer)}",
            attempted=attempted,
            server=self.server,
            remedy=_sentences(self._page_remedy(answer), self._proxy_remedy()),
            status=answer.status,
            cause="page",
        )

    def _not_json(self, answer: Answer, attempted: str) -> TransportError:
        return self._page(answer, attempted)

    def _page_remedy(self, answer: Answer) -> str:
        product = self.connection.product
        if answer.headers.get("WWW-Authenticate") and answer.status == 401:
            realm = self.secrets.censor(answer.headers["WWW-Authenticate"])
            return (
                f"Something in front of {product} asks for a login of its own ({realm}): let the play past it"
                f"{self._other_needs}"
            )
        if answer.status in (502, 503, 504):
            return f"A proxy in front of {product} answered: {product} is not ready. Run again when it is"
        if answer.status == 404:
            prefix = self.connection.prefix
            return f"Check {prefix}_url, its path too: https://host/{prefix}. What answers there is not {product}"
        return (
            f"Check that {self.connection.prefix}_url is the address of {product} itself and that no proxy or portal"
            f" answers in its place: let the play past it{self._other_needs}"
        )

    @property
    def _other_needs(self) -> str:
        return f", and the other server to {self.needed_by_the_other}" if self.needed_by_the_other else ""

    def _describe_page(self, answer: Answer) -> str:
        content_type = answer.headers.get("Content-Type", "").split(";")[0] or "no content type"
        words = self.excerpt(answer.text)
        by = f" from {self.secrets.censor(answer.headers['Server'])}" if answer.headers.get("Server") else ""
        return f"an answer that is not JSON ({content_type}{by}{f': {words!r}' if words else ''})"

    def _proxy_remedy(self) -> str:
        proxy = environment_proxy(str(self.connection.address))
        if not proxy:
            return ""
        return (
            f"The request went through the proxy {proxy} of the environment; if {self.connection.product} is to be"
            f" reached directly, add {self.connection.address.host} to no_proxy"
        )

    def _transport_error(self, error: OSError, attempted: str, reading: bool) -> TransportError:
        kind = TransportError if reading or not may_have_arrived(error) else NoAnswer
        answer, remedy = self._cause(error)
        return kind(
            self.secrets.censor(answer),
            attempted=attempted,
            server=self.server,
            remedy=_sentences(remedy, self._proxy_remedy()),
            cause="tls" if is_about_tls(error) else "connection",
        )

    def _cause(self, error: OSError) -> tuple[str, str]:
        prefix, product = self.connection.prefix, self.connection.product
        words = innermost(error)
        if not isinstance(error, requests.exceptions.RequestException):
            return words, (
                f"REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE in the environment of the play names it: mend that, or give"
                f" {prefix}_ca_path, which counts instead"
            )
        if isinstance(error, requests.exceptions.SSLError):
            return f"the TLS connection failed ({words})", self._tls_remedy(words)
        if refused_by_proxy(error):
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
        if cannot_resolve(words):
            return (
                f"the host name cannot be resolved ({words})",
                f"Check {prefix}_url and the name service of this host",
            )
        return f"the connection failed ({words})", f"Check that {product} runs and that {prefix}_url is right"

    def _tls_remedy(self, words: str) -> str:
        prefix, product = self.connection.prefix, self.connection.product
        if "hostname" in words.lower() or "ip address mismatch" in words.lower():
            return (
                f"Its certificate is for another name: give that name in {prefix}_url, or {product} another certificate"
            )
        if "expired" in words.lower():
            return f"Renew the certificate of {product}"
        if "wrong version number" in words.lower() or "record layer" in words.lower():
            return f"What answers there does not speak TLS; check scheme and port in {prefix}_url"
        return f"If its certificate comes from a private authority, give its CA in {prefix}_ca_path"


def check_ca_path(path: str | None, option: str) -> None:
    """Refuse a CA bundle that cannot be read; requests itself would only say so in a traceback.

    :raises BadInput: the file cannot be read, or holds no certificate.
    """
    if not path:
        return
    try:
        if Path(path).is_dir():
            list(Path(path).iterdir())
        else:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except ssl.SSLError as error:
        raise BadInput(
            f"{option} holds no certificate in PEM form", remedy=f"Look at {path} on the host where the module runs"
        ) from error
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


def _sentences(*texts: str) -> str:
    """Texts without their full stops as one."""
    return ". ".join(text for text in texts if text)


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
