"""`python -m tests.contract`: no request of oxide may be invalid that the official SDK's is not.

Prints those that are, and which methods the specification does not have or neither SDK gets right. The status is 1 if there
is such a request, and 0 if there is none, or no Steady here. With names as arguments, only those methods are called.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterable

import openai

import oxide

from .calls import Call, Side, Verdict, calls
from .steady import Steady, Unavailable

# Methods whose requests are allowed to be wrong where the official SDK's are right, each with the reason.
EXCUSED: dict[str, str] = {}

# Steady's codes for a path, and a method of a path, that the specification does not have.
UNKNOWN = ("E2001", "E2002")


class Tally:
    """The verdicts on pairs of requests, the official SDK's and oxide's.

    Attributes:
        requests: how many there were of oxide.
        good: how many of these fit the specification.
        better: how many of these do, where the official SDK's does not.
        worse: calls and what is wrong about them, where the official SDK has fewer mistakes.
        both_wrong: method to what Steady found in the first of its requests that both get wrong.
        unknown: methods that the specification does not have.
    """

    def __init__(self) -> None:
        self.requests = 0
        self.good = 0
        self.better = 0
        self.worse: list[str] = []
        self.both_wrong: dict[str, str] = {}
        self.unknown: set[str] = set()

    def add(self, call: Call, way: str, theirs: Verdict, mine: Verdict) -> None:
        """Count the requests of one call."""
        self.requests += 1
        self.good += mine.good
        if worse_than(theirs, mine):
            self.worse.append(f"{call} on {way}: {mine}\n    official SDK: {theirs if not theirs.good else 'valid'}")
        elif any(mistake.code in UNKNOWN for mistake in mine.mistakes):
            self.unknown.add(str(call.method))
        elif not mine.good:
            self.both_wrong.setdefault(str(call.method), str(mine))
        elif not theirs.good:
            self.better += 1


def worse_than(theirs: Verdict, mine: Verdict) -> bool:
    """Whether there is something wrong with oxide's request that is not with the official SDK's."""
    if mine.problem:
        return not theirs.problem
    return not set(mine.mistakes) <= set(theirs.mistakes)


def run(url: str, names: Iterable[str] = ()) -> Tally:
    """Make the calls, of the methods with these names or of all."""
    tally = Tally()
    pairs = [[Side(module, asynchronous, url) for module in (openai, oxide)] for asynchronous in (False, True)]
    wanted = set(names)
    for call in calls():
        if not wanted or str(call.method) in wanted:
            for official, ours in pairs:
                tally.add(call, ours.name, official.make(call), ours.make(call))
    for side in [side for pair in pairs for side in pair]:
        side.close()
    return tally


def control(url: str) -> None:
    """See that a wrong request is told from a right one: without that, no result means anything.

    Raises:
        AssertionError: it isn't.
    """
    with oxide.OpenAI(api_key="sk", base_url=url, max_retries=0) as client:
        raw = client.embeddings.with_raw_response
        right = raw.create(model="m", input="text")
        wrong = raw.create(model="m", input="text", extra_body={"dimensions": "many"})
    assert right.headers["x-steady-request-valid"] == "true"
    assert wrong.headers["x-steady-request-valid"] == "false"


def main(names: list[str]) -> int:
    """Run, print, and give the exit status."""
    # Some methods of the official SDK say that they are about to go.
    warnings.simplefilter("ignore", DeprecationWarning)
    try:
        steady = Steady()
    except Unavailable as missing:
        print(f"contract: skipped, because {missing}")
        return 0
    with steady:
        control(steady.url)
        tally = run(steady.url, names)
    worse = [each for each in tally.worse if each.partition(" ")[0] not in EXCUSED]
    print(f"{len(tally.unknown)} methods that the specification does not have:")
    for name in sorted(tally.unknown):
        print(f"  {name}")
    print(f"{len(tally.both_wrong)} methods with requests that both SDKs get wrong:")
    for name, what in sorted(tally.both_wrong.items()):
        print(f"  {name}: {what[:200]}")
    for name, reason in EXCUSED.items():
        print(f"excused: {name}, {reason}")
    print(f"{tally.requests} requests, {tally.good} valid, of which the official SDK's is not: {tally.better}")
    print(f"{len(worse)} invalid where the official SDK's are not" + (":" if worse else "."))
    for each in worse:
        print(f"  {each}")
    return 1 if worse else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
