"""Other companies' platforms that speak OpenAI's protocol, for `OpenAI(provider=...)` and `AsyncOpenAI(provider=...)`.

from oxide import OpenAI
from oxide.providers import bedrock

client = OpenAI(provider=bedrock(region="us-east-1"))
"""

# Not lazily: the modules have the functions' names, and would be found in their place.
from .bedrock import bedrock
from .vertex import vertex

__all__ = ["bedrock", "vertex"]
