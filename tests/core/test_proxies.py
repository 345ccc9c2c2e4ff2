"""Which proxy an origin gets, beside httpx, and the tunnel machines, whatever way the bytes are cut."""

from __future__ import annotations

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oxide.core.errors import ProxyError
from oxide.core.proxies import Proxy, ProxyRules, environment_rules
from oxide.core.tunnel import Connect, Socks5, tunnel_machine
from oxide.core.url import URL, Origin

URLS = (
    "http://example.com",
    "https://example.com",
    "https://example.com:8443",
    "https://www.example.com",
    "https://wwwexample.com",
    "https://localhost",
    "https://a.localhost",
    "https://127.0.0.1",
    "http://127.0.0.1:8080",
    "https://[::1]",
    "https://10.1.2.3",
)

EXCEPTIONS = (
    "",
    "*",
    "example.com",
    "a.b, *",
    ".example.com",
    "example.com:8443",
    "https://example.com",
    "all://www.example.com",
    "localhost",
    "127.0.0.1",
    "127.0.0.1:8080",
    "::1",
    " example.com ,, localhost,",
    "EXAMPLE.com",
)


@pytest.mark.parametrize("exceptions", EXCEPTIONS)
@pytest.mark.parametrize("scheme", ["HTTP", "HTTPS", "ALL"])
def test_as_httpx(monkeypatch: pytest.MonkeyPatch, scheme: str, exceptions: str) -> None:
    monkeypatch.setenv(f"{scheme}_PROXY", "http://proxy.invalid:3128")
    monkeypatch.setenv("NO_PROXY", exceptions)
    rules = environment_rules()
    with httpx.Client(verify=False) as client:
        for url in URLS:
            theirs = client._transport_for_url(httpx.URL(url)) is not client._transport
            assert (rules.proxy_for(URL(url).origin) is not None) == theirs, url


def through(exceptions: str, url: str) -> bool:
    return ProxyRules({"all": Proxy("http://p")}, exceptions).proxy_for(URL(url).origin) is not None


@pytest.mark.parametrize(
    ("exceptions", "direct", "proxied"),
    [
        # httpx takes a network for a name that nothing has.
        ("10.0.0.0/8", ["http://10.1.2.3", "https://10.255.0.1:99"], ["http://11.0.0.1", "http://ten"]),
        ("fe80::/10", ["http://[fe80::1]", "http://[fe80::1%25eth0]"], ["http://[::1]", "http://10.0.0.1"]),
        ("a.example  b.example, c.example", ["http://a.example", "http://b.example", "http://c.example"], ["http://d"]),
        ("[::1]:99", ["http://[::1]:99"], ["http://[::1]"]),
        ("*.example.com", ["http://a.example.com"], ["http://example.com"]),
        ("example.com.", ["http://example.com", "http://a.example.com."], []),
        ("wss://a", [], ["wss://a"]),
        ("1.2.3", ["http://1.2.3"], ["http://1.2.3.4"]),
    ],
)
def test_exceptions_beyond_httpx(exceptions: str, direct: list[str], proxied: list[str]) -> None:
    assert not any(through(exceptions, url) for url in direct)
    assert all(through(exceptions, url) for url in proxied)


def test_environment() -> None:
    rules = environment_rules({"http_proxy": "low:1", "HTTP_PROXY": "up:1", "HTTPS_PROXY": "socks5h://s"})
    assert str(rules.proxy_for(URL("ws://a").origin)) == "http://low:1"
    assert str(rules.proxy_for(URL("wss://a").origin)) == "socks5://s:1080"
    assert not environment_rules({"http_proxy": "", "HTTP_PROXY": "up:1"})
    assert not environment_rules({"REQUEST_METHOD": "GET", "HTTP_PROXY": "evil:1"})
    assert environment_rules({"REQUEST_METHOD": "GET", "http_proxy": "good:1"})


@pytest.mark.parametrize(
    "url",
    [
        "",
        "x",
        "ftp://u:hidden@x",
        "http://",
        "http://u:hidden@",
        "http://u:hidden@[x",
        "u:hidden@x",
        "http://u:hidden@x:y",
    ],
)
def test_no_proxy_at_all(url: str) -> None:
    with pytest.raises(ValueError, match="a proxy's URL") as caught:
        Proxy(url)
    assert "hidden" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_credentials() -> None:
    proxy = Proxy("http://us%3Aer:p%40ss@Example.com")
    assert (proxy.origin, proxy.auth) == (Origin("http", "example.com", 80), ("us:er", "p@ss"))
    assert proxy.headers == b"Proxy-Authorization: Basic dXM6ZXI6cEBzcw==\r\n"
    assert "p@ss" not in repr(proxy) + str(proxy)
    assert Proxy("http://a", auth=("x", "")).headers == b"Proxy-Authorization: Basic eDo=\r\n"
    with pytest.raises(ValueError, match="1 to 255 bytes"):
        Proxy("socks5://u@a")
    with pytest.raises(ValueError, match="no headers"):
        Proxy("socks5://a", headers={"a": "b"})
    with pytest.raises(ValueError, match="CR, LF"):
        Proxy("http://a", headers={"a": "b\r\nc: d"})


HTTP, SOCKS = Proxy("http://u:p@proxy"), Proxy("socks5://us:pass@proxy")
TARGET = Origin("https", "example.com", 443)

TALKS = {
    "connect": (HTTP, [b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n"]),
    "connect, 1.0": (HTTP, [b"HTTP/1.0 200\r\n\r\n"]),
    "socks": (SOCKS, [b"\x05\x02", b"\x01\x00", b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x50"]),
    "socks without": (Proxy("socks5://proxy"), [b"\x05\x00", b"\x05\x00\x00\x03\x03abc\x00\x50"]),
    "socks by six": (SOCKS, [b"\x05\x00", b"\x05\x00\x00\x04" + bytes(18)]),
}


@given(name=st.sampled_from(list(TALKS)), cuts=st.lists(st.integers(1, 9), max_size=200))
def test_any_cut(name: str, cuts: list[int]) -> None:
    proxy, answers = TALKS[name]
    machine = tunnel_machine(proxy, TARGET)
    done = False
    for answer in answers:
        assert not done
        assert machine.data_to_send()
        while answer:
            size = cuts.pop() if cuts else 1000
            piece, answer = answer[:size], answer[size:]
            done = machine.receive_data(piece)
            assert not (done and answer)
    assert done
    assert not machine.data_to_send()


def test_bytes() -> None:
    assert Connect(HTTP, Origin("https", "::1", 443)).data_to_send() == (
        b"CONNECT [::1]:443 HTTP/1.1\r\nHost: [::1]:443\r\nProxy-Authorization: Basic dTpw\r\n\r\n"
    )
    for host, address in (
        ("example.com", b"\x03\x0bexample.com"),
        ("10.0.0.1", b"\x01\x0a\x00\x00\x01"),
        ("::1", b"\x04" + bytes(15) + b"\x01"),
    ):
        machine = Socks5(SOCKS, Origin("https", host, 443))
        assert machine.data_to_send() == b"\x05\x02\x00\x02"
        assert not machine.receive_data(b"\x05\x02")
        assert machine.data_to_send() == b"\x01\x02us\x04pass"
        assert not machine.receive_data(b"\x01\x00")
        assert machine.data_to_send() == b"\x05\x01\x00" + address + b"\x01\xbb"


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        ([b"\x04\x00"], "does not speak SOCKS 5"),
        ([b"\x05\xff"], "takes neither"),
        ([b"\x05\x02", b"\x01\x01"], "refused the user name or the password"),
        ([b"\x05\x00", b"\x05\x05\x00\x01" + bytes(6)], "can't connect to example.com:443: connection refused"),
        ([b"\x05\x00", b"\x05\x63\x00\x01" + bytes(6)], "reply 99"),
        ([b"\x05\x00", b"\x05\x00\x00\x09" + bytes(6)], "does not speak SOCKS 5"),
        ([b"\x05\x00", b"\x05\x00\x00\x01" + bytes(7)], "before it could have any"),
        ([b""], "closed the connection"),
    ],
)
def test_socks_refusals(answers: list[bytes], message: str) -> None:
    machine = Socks5(SOCKS, TARGET)
    for answer in answers[:-1]:
        machine.data_to_send()
        assert not machine.receive_data(answer)
    machine.data_to_send()
    with pytest.raises(ProxyError, match=message) as caught:
        machine.receive_data(answers[-1])
    assert "pass" not in str(caught.value).replace("password", "")


@given(st.sampled_from([HTTP, SOCKS]), st.lists(st.binary(max_size=40), max_size=20))
def test_garbage(proxy: Proxy, pieces: list[bytes]) -> None:
    machine = tunnel_machine(proxy, TARGET)
    try:
        for piece in pieces:
            machine.data_to_send()
            if machine.receive_data(piece):
                return
    except ProxyError:
        pass
