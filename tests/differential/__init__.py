"""The same call on the official SDK and on oxide: the same request, the same result, the same error."""
