import { describe, expect, test } from "bun:test";
import { aVerdict } from "../../../test/support/fake-fleet.ts";
import { healthResponse } from "./bodies.ts";

const up = aVerdict();
const down = (code: string, sentence = "Why it is down.") => aVerdict({ up: false, code, sentence });
const draining = aVerdict({ up: false, draining: true, code: "DRAINING", sentence: "A person drains it." });
const bytes = (...args: Parameters<typeof healthResponse>) =>
  healthResponse(...args)
    .bytes(false, false)
    .toString();

describe("clustercheck, byte for byte", () => {
  const expected = (status: string, length: number, state: string) =>
    `HTTP/1.1 ${status}\r\nContent-Type: text/plain\r\nConnection: close\r\nContent-Length: ${length}\r\n\r\nPercona XtraDB Cluster Node is ${state}.\r\n`;

  test.each([
    ["synced", up, expected("200 OK", 40, "synced")],
    ["not synced", down("GALERA_DONOR"), expected("503 Service Unavailable", 44, "not synced")],
    ["unreachable", down("PROBE_REFUSED"), expected("503 Service Unavailable", 44, "not synced")],
    ["stale", down("STALE"), expected("503 Service Unavailable", 44, "not synced")],
    ["read-only", down("GALERA_READ_ONLY"), expected("503 Service Unavailable", 43, "read-only")],
    ["off by file", down("OFF_SWITCH"), expected("503 Service Unavailable", 51, "manually disabled")],
    ["in maintenance", down("MAINTENANCE"), expected("503 Service Unavailable", 51, "manually disabled")],
    ["draining", draining, expected("503 Service Unavailable", 51, "manually disabled")],
  ])("%s", (_state, verdict, text) => expect(bytes("clustercheck", verdict, 503)).toBe(text));
});

test("mysqlchk and connectorchk: the line, and the reason after the latter's", () => {
  const head = (status: string, length: number) =>
    `HTTP/1.1 ${status}\r\nContent-Type: text/plain\r\nConnection: close\r\nContent-Length: ${length}\r\n\r\n`;
  const isDown = down("PROBE_REFUSED");
  expect(bytes("mysqlchk", up, 503)).toBe(`${head("200 OK", 19)}MySQL is running.\r\n`);
  expect(bytes("mysqlchk", isDown, 503)).toBe(`${head("503 Service Unavailable", 18)}MySQL is *down*.\r\n`);
  expect(bytes("connectorchk", up, 503)).toBe(`${head("200 OK", 19)}MySQL is running.\r\n`);
  expect(bytes("connectorchk", isDown, 503)).toBe(
    `${head("503 Service Unavailable", 35)}MySQL is *down*.\r\nWhy it is down.\r\n`,
  );
});

describe("sluice", () => {
  test("says code and sentence, and must not be cached", () => {
    expect(bytes("sluice", up, 503)).toBe(
      "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\nContent-Length: 41\r\nCache-Control: no-store\r\n\r\nGALERA_SYNCED: the Galera node is synced\n",
    );
  });

  test("a no gives its reason in the status line, where HAProxy's statistics show it", () => {
    const [statusLine] = bytes(
      "sluice",
      down("PROBE_AUTH_DENIED", "Zugriff für\r\nmonitor verweigert"),
      503,
    ).split("\r\n");
    expect(statusLine).toBe("HTTP/1.1 503 PROBE_AUTH_DENIED: Zugriff f?r monitor verweigert");
    const [long = ""] = bytes("sluice", down("PROBE_QUERY_FAILED", "x".repeat(500)), 503).split("\r\n");
    expect(long.length).toBe("HTTP/1.1 503 ".length + 120);
  });
});

test("draining has the status that was chosen for it, in each flavour", () => {
  for (const flavour of ["sluice", "clustercheck", "mysqlchk", "connectorchk"] as const) {
    expect(healthResponse(flavour, draining, 404).status).toBe(404);
    expect(healthResponse(flavour, draining, 503).status).toBe(503);
    expect(healthResponse(flavour, down("STALE"), 404).status).toBe(503);
  }
});

test("HEAD has the head of GET; bytes are rendered once", () => {
  const response = healthResponse("clustercheck", up, 503);
  const whole = response.bytes(true, false);
  expect(response.bytes(true, true).toString()).toBe(whole.toString().slice(0, -40));
  expect(whole.toString()).toContain("\r\nConnection: keep-alive\r\n");
  expect(response.bytes(true, false)).toBe(whole);
});
