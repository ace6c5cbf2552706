"""CreateFaceLivenessSession behind a limiter of the Python package `limits`: server.py PORT STRATEGY AMOUNT/SECONDS...

STRATEGY is fixed, moving or counter. With several limits a call is asked for in their order, as web frameworks do it: the first that refuses
ends it, and what those before have counted stays counted. Answers as the service does, 2 ms after a call came.
"""
import asyncio
import sys
import uuid

import limits

PORT, STRATEGY = int(sys.argv[1]), sys.argv[2]
KINDS = {
    "fixed": limits.strategies.FixedWindowRateLimiter,
    "moving": limits.strategies.MovingWindowRateLimiter,
    "counter": limits.strategies.SlidingWindowCounterRateLimiter,
}
LIMITER = KINDS[STRATEGY](limits.storage.MemoryStorage())
ITEMS = [limits.RateLimitItemPerSecond(*map(int, given.split("/"))) for given in sys.argv[3:]]
REFUSED = '{"__type":"ProvisionedThroughputExceededException","Message":"Provisioned throughput exceeded"}'


def answer(status, body):
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/x-amz-json-1.1\r\nContent-Length: {len(body)}\r\n\r\n"
    return (head + body).encode()


async def serve(reader, writer):
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = next((int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.startswith(b"content-length:")), 0)
            await reader.readexactly(length)
            passed = all(LIMITER.hit(item, "everybody") for item in ITEMS)
            await asyncio.sleep(0.002)
            writer.write(answer("200 OK", f'{{"SessionId":"{uuid.uuid4()}"}}') if passed else answer("400 Bad Request", REFUSED))
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", PORT, backlog=1024)
    async with server:
        await server.serve_forever()


asyncio.run(main())
