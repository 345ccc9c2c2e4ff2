"""Letting a model use a browser or a desktop, through a driver of yours."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, Union

from ..core.computer import Computer, ComputerUseError, Policy, handlers_of
from ..helpers._run import arun, run
from ..types.responses import computer_action as modern
from ..types.responses import response_computer_tool_call as legacy
from ..types.responses.computer_action import ComputerAction
from ..types.responses.response_computer_tool_call import Action
from ..types.responses.response_computer_tool_call_output_screenshot_param import (
    ResponseComputerToolCallOutputScreenshotParam,
)
from ._lifecycle import Lifecycle, fresh

if TYPE_CHECKING:
    from .._client import AsyncOpenAI, OpenAI
    from ..types.responses.response import Response
    from ..types.responses.response_computer_tool_call import ResponseComputerToolCall
    from ..types.responses.response_create_params import ResponseCreateParamsNonStreaming
    from ..types.responses.response_input_param import ComputerCallOutput
    from .tool_diagnostics import ToolDiagnosticObserver

__all__ = [
    "AsyncComputerDriver",
    "AsyncComputerToolset",
    "ComputerActionInput",
    "ComputerDriver",
    "ComputerToolset",
    "ComputerUseError",
    "Screenshot",
]

ComputerActionInput: TypeAlias = Union[Action, ComputerAction]
Screenshot: TypeAlias = ResponseComputerToolCallOutputScreenshotParam


class ComputerDriver(Protocol):
    """Carries out actions. A method raises if it can't do what it is told; `screenshot` shows the screen in its own pixels.

    Permissions, waiting and clean-up are the driver's business. A method with a parameter `cancelled` is given the
    function that the run was given under this name.
    """

    def click(self, action: modern.Click | legacy.ActionClick) -> None: ...
    def double_click(self, action: modern.DoubleClick | legacy.ActionDoubleClick) -> None: ...
    def drag(self, action: modern.Drag | legacy.ActionDrag) -> None: ...
    def keypress(self, action: modern.Keypress | legacy.ActionKeypress) -> None: ...
    def move(self, action: modern.Move | legacy.ActionMove) -> None: ...
    def scroll(self, action: modern.Scroll | legacy.ActionScroll) -> None: ...
    def type(self, action: modern.Type | legacy.ActionType) -> None: ...
    def wait(self, action: modern.Wait | legacy.ActionWait) -> None: ...
    def screenshot(self) -> Screenshot: ...


class AsyncComputerDriver(Protocol):
    """The same with coroutine functions."""

    async def click(self, action: modern.Click | legacy.ActionClick) -> None: ...
    async def double_click(self, action: modern.DoubleClick | legacy.ActionDoubleClick) -> None: ...
    async def drag(self, action: modern.Drag | legacy.ActionDrag) -> None: ...
    async def keypress(self, action: modern.Keypress | legacy.ActionKeypress) -> None: ...
    async def move(self, action: modern.Move | legacy.ActionMove) -> None: ...
    async def scroll(self, action: modern.Scroll | legacy.ActionScroll) -> None: ...
    async def type(self, action: modern.Type | legacy.ActionType) -> None: ...
    async def wait(self, action: modern.Wait | legacy.ActionWait) -> None: ...
    async def screenshot(self) -> Screenshot: ...


class _Toolset(Lifecycle):
    """What both toolsets have: a driver, which is used by one run at a time."""

    def __init__(self, driver: Any, asynchronous: bool) -> None:
        super().__init__("computer toolset")
        self.driver = driver
        self._handlers = handlers_of(driver, asynchronous)

    def _computer(self, *policy: Any) -> Computer:
        return Computer(self._handlers, Policy(*policy))


class ComputerToolset(_Toolset):
    """Runs a model on a computer.

    Args:
        driver: what carries out its actions.

    Raises:
        ValueError: the driver lacks a method, or has a coroutine function.
    """

    def __init__(self, driver: ComputerDriver) -> None:
        super().__init__(driver, False)

    def run(
        self,
        client: OpenAI,
        params: ResponseCreateParamsNonStreaming,
        *,
        max_steps: int = 20,
        approve_safety_checks: Callable[[ResponseComputerToolCall], bool] | None = None,
        before_action: Callable[[ComputerActionInput], bool] | None = None,
        cancelled: Callable[[], bool] | None = None,
        on_diagnostic: ToolDiagnosticObserver | None = None,
    ) -> Response:
        """Ask the model, carry out its actions, show it the screen, until it has a final message; that response.

        Args:
            client: whom to ask with.
            params: what `responses.create` takes; `tools` may be left out, `input` is the whole history.
            max_steps: how many requests there may be.
            approve_safety_checks: asked about calls that have some; anything but `True` ends the run. So does its absence.
            before_action: asked before every action, and before the screenshot at the end; anything but `True` ends the run.
            cancelled: asked between all steps; true ends the run.
            on_diagnostic: told how each step went.

        Raises:
            ComputerUseError: the run ended before it was complete; it has the last response.
            ValueError: the parameters are not for such a run.
            RuntimeError: the toolset is closed, or in use.
            OpenAIError: a request failed; and whatever the driver and the functions raise.
        """
        with self:
            computer = self._computer(approve_safety_checks, before_action, cancelled, on_diagnostic)
            return run(client, computer.run(client.responses.create, params, max_steps, fresh(client)))  # type: ignore[no-any-return]

    def execute(
        self,
        call: ResponseComputerToolCall,
        *,
        approve_safety_checks: Callable[[ResponseComputerToolCall], bool] | None = None,
        before_action: Callable[[ComputerActionInput], bool] | None = None,
        cancelled: Callable[[], bool] | None = None,
        on_diagnostic: ToolDiagnosticObserver | None = None,
    ) -> ComputerCallOutput:
        """Carry out one call, in a loop of your own; the output to send for it. Arguments and errors as for `run`."""
        from ..io.sync.run import IO
        from ..io.sync.run import run as run_flow

        with self:
            computer = self._computer(approve_safety_checks, before_action, cancelled, on_diagnostic)
            return run_flow(computer.dispatch(call), IO(None))  # type: ignore[arg-type, no-any-return]


class AsyncComputerToolset(_Toolset):
    """The same on asyncio and trio. The driver's methods, and the functions that approve, may be coroutine functions."""

    def __init__(self, driver: AsyncComputerDriver) -> None:
        super().__init__(driver, True)

    async def run(
        self,
        client: AsyncOpenAI,
        params: ResponseCreateParamsNonStreaming,
        *,
        max_steps: int = 20,
        approve_safety_checks: Callable[[ResponseComputerToolCall], Awaitable[bool]] | None = None,
        before_action: Callable[[ComputerActionInput], Awaitable[bool]] | None = None,
        cancelled: Callable[[], bool] | None = None,
        on_diagnostic: ToolDiagnosticObserver | None = None,
    ) -> Response:
        """As `ComputerToolset.run`."""
        with self:
            computer = self._computer(approve_safety_checks, before_action, cancelled, on_diagnostic)
            return await arun(client, computer.run(client.responses.create, params, max_steps, fresh(client)))

    async def execute(
        self,
        call: ResponseComputerToolCall,
        *,
        approve_safety_checks: Callable[[ResponseComputerToolCall], Awaitable[bool]] | None = None,
        before_action: Callable[[ComputerActionInput], Awaitable[bool]] | None = None,
        cancelled: Callable[[], bool] | None = None,
        on_diagnostic: ToolDiagnosticObserver | None = None,
    ) -> ComputerCallOutput:
        """As `ComputerToolset.execute`."""
        from ..io.aio.run import IO
        from ..io.aio.run import run as run_flow

        with self:
            computer = self._computer(approve_safety_checks, before_action, cancelled, on_diagnostic)
            return await run_flow(computer.dispatch(call), IO(None))  # type: ignore[arg-type, no-any-return]
