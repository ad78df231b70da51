"""A sensor that waits until the gate of a table or dataset is open. It is deferrable: while it waits, it takes no worker.

Copy this file beside your DAGs, and install the client into Airflow's environment. Workers and triggerers take the Backend's
address from STRINGX_BACKEND_URL and the key from STRINGX_API_KEY_FILE.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

from airflow.sdk import BaseOperator, Context
from airflow.sdk.exceptions import AirflowException, AirflowFailException
from airflow.triggers.base import BaseTrigger, TriggerEvent

from stringx_dataops import Away, Client, DataOpsError, Undecided


class GateTrigger(BaseTrigger):
    """Fires once the gate is decided, open or closed, or cannot be asked for a reason that waiting does not mend, and at the time
    `until` (seconds since 1970). A service that is away is asked again. `question`: the arguments of `Client.gate`."""

    def __init__(self, question: dict[str, Any], poll_s: float, until: float) -> None:
        super().__init__()
        self.question, self.poll_s, self.until = question, poll_s, until

    def serialize(self) -> tuple[str, dict[str, Any]]:
        arguments = {"question": self.question, "poll_s": self.poll_s, "until": self.until}
        return f"{type(self).__module__}.{type(self).__qualname__}", arguments

    async def run(self) -> AsyncIterator[TriggerEvent]:
        while await self._is_to_wait() and time.time() < self.until:
            await asyncio.sleep(self.poll_s)
        yield TriggerEvent({"until": self.until})

    async def _is_to_wait(self) -> bool:
        try:
            found = await asyncio.to_thread(lambda: Client().gate(**self.question))  # in a thread, so that other triggers go on
        except Away as error:
            self.log.warning("%s", error)
            return True
        except DataOpsError:
            return False
        return found.pending


class GateSensor(BaseOperator):
    """Succeeds if the gate is open, and returns what decided it. Fails at once, without retries, if it is closed or the question
    is wrong; fails after `wait` if it is not decided.

    `request_id`: the gate for the load that this request announced, so that an earlier check opens nothing.
    """

    template_fields = ("target", "table", "dataset", "request_id", "not_before")

    def __init__(
        self,
        *,
        target: str,
        table: str | None = None,
        dataset: str | None = None,
        request_id: str | None = None,
        not_before: str | None = None,
        wait: timedelta = timedelta(hours=1),
        poll_s: float = 5,
        deferrable: bool = True,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.target, self.table, self.dataset = target, table, dataset
        self.request_id, self.not_before = request_id, not_before
        self.wait, self.poll_s, self.deferrable = wait, poll_s, deferrable

    def execute(self, context: Context, event: dict[str, float] | None = None) -> dict[str, Any]:
        """Decides here, in the worker; the trigger only says when it is worth asking."""
        until = event["until"] if event else time.time() + self.wait.total_seconds()
        question = {name: getattr(self, name) for name in self.template_fields if getattr(self, name) is not None}
        try:
            found = Client().gate(**question, wait=False if self.deferrable else self.wait.total_seconds())
        except Away as error:
            if not self.deferrable:
                raise AirflowException(str(error)) from error
            found = None
        except Undecided as error:  # not decided in time, or the key is not accepted
            raise AirflowException(str(error)) from error
        except DataOpsError as error:
            raise AirflowFailException(str(error)) from error
        if found is None or found.pending:
            if time.time() >= until:
                raise AirflowException(f"the gate is not decided within {self.wait}; nothing may use the data")
            self.defer(trigger=GateTrigger(question, self.poll_s, until), method_name="execute")
        if not found.is_open:
            raise AirflowFailException(f"{found.name}: gate closed; {'; '.join(found.reasons)}")
        return {"gate": found.gate, "verdict": found.verdict, "snapshot_at": found.raw["snapshot_at"]}
