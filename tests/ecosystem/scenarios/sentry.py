"""Sentry's and OpenTelemetry's integrations for asyncio, which put themselves around every Task."""

import asyncio
from typing import Any

from scenario import scenario
from stage import Stage


async def good(number: int) -> int:
    """A Task's work that ends well."""
    await asyncio.sleep(0.001)
    return number


async def bad() -> None:
    """A Task's work that fails."""
    await asyncio.sleep(0.001)
    raise ValueError("as asked")


async def tasks() -> dict[str, Any]:
    """Makes Tasks in every way, some of which fail or are cancelled; returns what came of them."""
    seen: dict[str, Any] = {"gather": await asyncio.gather(*map(good, range(5)))}
    named = asyncio.create_task(good(7), name="seven")
    seen["named"] = [named.get_name(), await named]
    async with asyncio.TaskGroup() as group:
        children = [group.create_task(good(number)) for number in range(5)]
    seen["group"] = [child.result() for child in children]
    try:
        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(asyncio.sleep(20))
            group.create_task(bad())
    except ExceptionGroup as errors:
        seen["failed group"] = [repr(error) for error in errors.exceptions]
    seen["siblings"] = waiting.cancelled()
    results = await asyncio.gather(bad(), good(3), return_exceptions=True)
    seen["failed"] = [repr(result) for result in results]
    try:
        await asyncio.wait_for(asyncio.shield(asyncio.ensure_future(asyncio.sleep(0.3))), 0.01)
    except TimeoutError:
        seen["timeout"] = True
    cancelled = asyncio.create_task(asyncio.sleep(20))
    await asyncio.sleep(0)
    cancelled.cancel("enough")
    seen["cancelled"] = [repr(result) for result in await asyncio.gather(cancelled, return_exceptions=True)]
    loop = asyncio.get_running_loop()
    future = asyncio.run_coroutine_threadsafe(good(9), loop)
    seen["from a thread"] = await asyncio.wrap_future(future)
    await asyncio.sleep(0.35)
    return seen


@scenario("sentry-sdk", "its integration for asyncio")
async def sentry(stage: Stage) -> dict[str, Any]:
    import sentry_sdk
    from sentry_sdk.integrations.asyncio import AsyncioIntegration

    errors: list[str] = []
    spans: list[str] = []

    def error(event: Any, hint: Any) -> None:
        errors.append(event["exception"]["values"][-1]["type"])

    def transaction(event: Any, hint: Any) -> None:
        spans.extend(f"{span['op']} {span['description']}" for span in event["spans"])

    sentry_sdk.init(
        "http://key@127.0.0.1:9/1",
        integrations=[AsyncioIntegration()],
        traces_sample_rate=1.0,
        before_send=error,
        before_send_transaction=transaction,
        default_integrations=False,
        send_client_reports=False,
    )
    with sentry_sdk.start_transaction(name="all"):
        seen = await tasks()
    sentry_sdk.get_client().close()
    return {**seen, "errors": sorted(errors), "spans": sorted(spans)}


@scenario("opentelemetry", "its instrumentation of asyncio")
async def opentelemetry(stage: Stage) -> dict[str, Any]:
    from opentelemetry.instrumentation.asyncio import AsyncioInstrumentor
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    instrumentor = AsyncioInstrumentor()
    instrumentor.instrument(tracer_provider=provider)
    try:
        seen = await tasks()
    finally:
        instrumentor.uninstrument()
    names = sorted(f"{span.name} {span.status.status_code.name}" for span in exporter.get_finished_spans())
    return {**seen, "spans": names}
