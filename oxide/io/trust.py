"""Whom TLS trusts: the context that connections are secured with, made when the first one is.

Verified against, in this order:

1. what the user gave: an `ssl.SSLContext`, or a file or directory of certificates;
2. what `SSL_CERT_FILE` and `SSL_CERT_DIR` name;
3. on macOS and Windows the system's own verification, if `truststore` is installed;
4. the store that OpenSSL was built to use, which on Linux is the system's;
5. certifi's list, if it is installed and that store does not exist (a container without `ca-certificates`).

truststore is not used on Linux, where it comes to the same files and costs 8 ms to import; reading the store (20 ms) is what takes
the time, once for each client that uses TLS. certifi comes last because whoever manages a machine's trust does so in its store.
"""

from __future__ import annotations

import os
import sys
import threading
from typing import TYPE_CHECKING, Any

from ..core.errors import OpenAIError

if TYPE_CHECKING:
    import ssl

__all__ = ["Trust"]


_CERT = "must be a path, or a tuple of the paths of certificate and key (and a password)"


class Trust:
    """What is verified, and with which certificate of our own.

    Args:
        ssl_context: used as it is, for a proxy as well, instead of all else.
        verify: `True`, `False` for no verification at all, or the path of a file or directory with the certificates to trust.
        cert: our own certificate: the path of a PEM file with the key in it, or a tuple of the paths of certificate and key,
            and the key's password if there is one.
        trust_env: whether `SSL_CERT_FILE` and `SSL_CERT_DIR` are looked at.
        http2: whether HTTP/2 is to be offered, if not always; otherwise a given context keeps its list of protocols (ALPN).

    Raises:
        TypeError, ValueError: an argument is of another kind, or one excludes another.
    """

    def __init__(
        self,
        ssl_context: ssl.SSLContext | None = None,
        verify: bool | str | os.PathLike[str] = True,
        cert: str | os.PathLike[str] | tuple[str, ...] | None = None,
        trust_env: bool = True,
        http2: bool = False,
    ) -> None:
        if not isinstance(verify, (bool, str, os.PathLike)):
            raise TypeError(
                f"verify must be True, False or a path, not {type(verify).__name__}; a context is passed as ssl_context"
            )
        if ssl_context is not None and (verify is not True or cert is not None):
            raise ValueError("pass either ssl_context, or verify and cert, which are settings of a context, not both")
        if isinstance(cert, list):
            cert = tuple(cert)
        if cert is not None and not isinstance(cert, (str, os.PathLike)):
            if not isinstance(cert, tuple) or not all(isinstance(part, (str, os.PathLike)) for part in cert):
                raise TypeError(f"cert {_CERT}")
            if len(cert) not in (2, 3):
                raise ValueError(f"cert {_CERT}, and got {len(cert)} parts")
        self._given = ssl_context
        self._verify = verify
        self._cert = cert
        self._trust_env = trust_env
        self._lock = threading.Lock()
        self._http2 = http2
        self._made: dict[tuple[bool, bool], ssl.SSLContext] = {}

    def context(self, to_proxy: bool = False, http2: bool = False) -> ssl.SSLContext:
        """The context for connections to servers, or to a proxy, which gets no certificate of ours; `http2` is whether to offer that.

        Raises:
            OpenAIError: a file of certificates does not exist or has none in it.
        """
        if self._given is not None:
            if self._http2:
                self._given.set_alpn_protocols(_protocols(http2))
            return self._given
        key = to_proxy, http2
        context = self._made.get(key)
        if context is None:
            with self._lock:
                context = self._made.get(key)
                if context is None:
                    context = self._made[key] = self._make(to_proxy, http2)
        return context

    def _make(self, to_proxy: bool, http2: bool) -> ssl.SSLContext:
        # Only who talks TLS pays for its import.
        import ssl

        verify = self._verify
        if isinstance(verify, bool):
            context = self._of_environment() or _of_system()
        else:
            context = _of_path(os.fspath(verify), "verify")
        if verify is False:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if self._cert is not None and not to_proxy:
            certificate, *rest = self._cert if isinstance(self._cert, tuple) else (self._cert,)
            try:
                # Without a password, OpenSSL would ask for one on the terminal.
                context.load_cert_chain(certificate, rest[0] if rest else None, rest[1] if rest[1:] else "")
            except (OSError, ValueError) as error:
                reason = getattr(error, "strerror", None) or error
                if isinstance(error, ssl.SSLError):
                    # Which of the two it was, OpenSSL does not say.
                    reason = f"not in PEM format, without its key, or the key's password is another ({error})"
                raise OpenAIError(
                    f"cert: the certificate {os.fspath(certificate)!r} can't be used: {reason}"
                ) from error
        context.set_alpn_protocols(_protocols(http2))
        return context

    def _of_environment(self) -> ssl.SSLContext | None:
        for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
            path = os.environ.get(name) if self._trust_env else None
            if path:
                return _of_path(path, f"the environment variable {name}")
        return None

    def __repr__(self) -> str:
        return f"Trust(verify={self._verify!r})"


def _protocols(http2: bool) -> list[str]:
    """What is offered in the handshake (RFC 7301), the best first."""
    return ["h2", "http/1.1"] if http2 else ["http/1.1"]


def _of_path(path: str, source: str) -> ssl.SSLContext:
    import ssl

    try:
        if os.path.isdir(path):
            return ssl.create_default_context(capath=path)
        return ssl.create_default_context(cafile=path)
    except OSError as error:
        reason = "it has no certificate in it" if isinstance(error, ssl.SSLError) else error.strerror
        raise OpenAIError(f"{source}: no certificates can be loaded from {path!r}: {reason}") from error


def _of_system() -> ssl.SSLContext:
    import ssl

    if sys.platform in ("darwin", "win32"):
        try:
            import truststore  # type: ignore[import-not-found, unused-ignore]
        except ImportError:
            pass
        else:
            context: Any = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            return context  # type: ignore[no-any-return]
    paths = ssl.get_default_verify_paths()
    # These two follow the variables if they are set; that was decided before.
    built_in = [path for path in (paths.openssl_cafile, paths.openssl_capath) if os.path.exists(path)]
    if not built_in and sys.platform != "win32":
        try:
            import certifi
        except ImportError:
            pass
        else:
            return ssl.create_default_context(cafile=certifi.where())
    if "SSL_CERT_FILE" in os.environ or "SSL_CERT_DIR" in os.environ:
        # `trust_env=False`: OpenSSL would look at them by itself.
        return ssl.create_default_context(
            cafile=paths.openssl_cafile if os.path.isfile(paths.openssl_cafile) else None,
            capath=paths.openssl_capath if os.path.isdir(paths.openssl_capath) else None,
        )
    return ssl.create_default_context()
