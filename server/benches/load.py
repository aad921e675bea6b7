"""Requests at a steady rate over a few kept connections, timed from when each was due, so that waiting counts."""

import asyncio
import time

CONNECTIONS = 8


async def _one(reader: asyncio.StreamReader) -> tuple[int, int]:
    status = int((await reader.readuntil(b"\r\n")).split()[1])
    length, chunked = 0, False
    while (line := await reader.readuntil(b"\r\n")) != b"\r\n":
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
        elif name.lower() == b"transfer-encoding" and b"chunked" in value.lower():
            chunked = True
    if not chunked:
        await reader.readexactly(length)
        return status, length
    total = 0
    while (size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16)) > 0:
        await reader.readexactly(size + 2)
        total += size
    await reader.readuntil(b"\r\n")
    return status, total


async def drive(port: int, count: int, rate: float, request) -> list[tuple[str, float, float, int]]:
    """Sends so many requests; `request(number)` gives each its name and its bytes when it is sent. Of each: its name, when it was
    due, after how many seconds it was answered, the status. Times are those of the machine's monotonic clock, which all processes share."""
    due: asyncio.Queue = asyncio.Queue()
    results = []

    async def worker():
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 24)
        while (item := await due.get()) is not None:
            number, when = item
            name, sent = request(number)
            writer.write(sent)
            status, _ = await _one(reader)
            results.append((name, when, time.perf_counter() - when, status))
        writer.close()

    workers = [asyncio.create_task(worker()) for _ in range(CONNECTIONS)]
    start = time.perf_counter()
    for n in range(count):
        when = start + n / rate
        await asyncio.sleep(max(0.0, when - time.perf_counter()))
        due.put_nowait((n, when))
    for _ in workers:
        due.put_nowait(None)
    await asyncio.gather(*workers)
    return results


def steady(port: int, paths: list[str], rate: float = 50, seconds: float = 10, head: str = "") -> tuple[float, float]:
    """(median, 95th percentile) in milliseconds, with these lines in each request's head. Fails if an answer was not 200."""
    def request(number: int) -> tuple[str, bytes]:
        path = paths[number % len(paths)]
        return path, f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept-Encoding: gzip\r\n{head}\r\n".encode()

    results = asyncio.run(asyncio.wait_for(drive(port, int(rate * seconds), rate, request), seconds * 6))
    wrong = {(path, status) for path, _, _, status in results if status != 200}
    if wrong:
        raise RuntimeError(f"answers that are not 200: {sorted(wrong)[:5]}")
    return spread(took for _, _, took, _ in results)


def spread(seconds) -> tuple[float, float]:
    """(median, 95th percentile) in milliseconds."""
    times = sorted(seconds)
    return times[len(times) // 2] * 1000, times[int(len(times) * 0.95)] * 1000
