"""Development tools: what keeps the generated files in step with the pinned SDK. Not part of the wheel."""
