"""Against a server that others wrote: llama.cpp's, with a tiny model that answers predictably."""
