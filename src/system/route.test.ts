import { expect, test } from "bun:test";
import { hasRoute } from "./route.ts";

// Where there is none: test/e2e/agent-connection.test.ts, on a host whose network is known.
test.each(["127.0.0.1", "::1"])("there is a way to %s", async (ip) => {
  expect(await hasRoute(ip)).toBe(true);
});

test("what is no address is not judged", async () => {
  expect(await hasRoute("db1.example")).toBe(true);
});
