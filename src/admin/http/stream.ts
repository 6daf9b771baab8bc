import type { FastifyReply } from "fastify";
import type { StreamClient } from "./route.ts";

/** What may wait for a client that does not read, bytes; past that it is dropped, and can come back with Last-Event-ID. */
const MAX_UNSENT = 256 * 1024;

/** Hands an answer over that has no end: Server-Sent Events. */
export function openStream(reply: FastifyReply, open: (client: StreamClient) => void): void {
  reply.hijack();
  const response = reply.raw;
  response.writeHead(200, {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-store",
    "x-accel-buffering": "no",
  });
  response.on("error", () => {}); // a client that left
  response.flushHeaders();
  open({
    write(text) {
      if (response.destroyed || response.writableLength > MAX_UNSENT) return false;
      response.write(text);
      return true;
    },
    drop: () => response.destroy(),
    onClose: (listener) => response.once("close", listener),
  });
}
