"""The names of the transports on sockets, for programs that run here and elsewhere: they take the same arguments, and refuse what can't be had."""

from .blocking import FetchTransport as HTTPTransport
from .transport import AsyncFetchTransport as AsyncHTTPTransport

__all__ = ["AsyncHTTPTransport", "HTTPTransport"]
