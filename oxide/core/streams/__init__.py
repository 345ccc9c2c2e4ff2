"""What streams of events come to: accumulators, and the moment at which a function call is complete.

Everything here is fed with decoded objects and waits for nothing, so that a stream over HTTP, one over a WebSocket, and a
recorded one are read by the same machines:

- `responses.ResponseAccumulator` for the events of the Responses API,
- `chat.ChatAccumulator` for the chunks of a chat completion,
- `calls.ResponseCalls` and `calls.ChatCalls` for the function calls in either.

What grows piece by piece is kept in pieces and joined when somebody asks, so that reading a stream of any length costs its
length; see `text`.
"""
