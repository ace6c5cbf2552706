// CreateFaceLivenessSession behind rate-limiter-flexible: server.mjs PORT POINTS SECONDS. Answers as the service does.
import http from "node:http";
import { randomUUID } from "node:crypto";
import { RateLimiterMemory } from "rate-limiter-flexible";

const [port, points, duration] = process.argv.slice(2).map(Number);
const limiter = new RateLimiterMemory({ points, duration });
const refused = { __type: "ProvisionedThroughputExceededException", Message: "Provisioned throughput exceeded" };

const server = http.createServer((request, response) => {
  request.resume().on("end", async () => {
    // Consuming fails with the limiter's word for "too many".
    const passed = await limiter.consume("everybody").then(() => true, () => false);
    const body = JSON.stringify(passed ? { SessionId: randomUUID() } : refused);
    response.writeHead(passed ? 200 : 400, { "Content-Type": "application/x-amz-json-1.1", "Content-Length": body.length });
    response.end(body);
  });
});
server.keepAliveTimeout = 60_000;
server.listen(port, "127.0.0.1", 1024);
