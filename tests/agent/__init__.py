"""Tools and the loop that calls them."""
