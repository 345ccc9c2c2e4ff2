"""Names of helpers, at the places where the official SDK has them."""
