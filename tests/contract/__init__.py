"""Every method of both SDKs against Steady, a mock of the API that is made of its specification: `nox -s contract`."""
