import { expect, test } from "bun:test";
import type { ServiceUsage } from "./glb-host.ts";
import { NO_TOTALS, routerTable, statLine } from "./reports.ts";

const USAGE: ServiceUsage = {
  balance: "least-connections",
  servers: [
    { address: "127.0.0.1:13306", weight: 2, connections: 0 },
    { address: "127.0.0.1:13307", weight: 1, connections: 0 },
  ],
  current: 0,
  most: 9981,
  total: 0,
  bytesIn: 0,
  bytesOut: 0,
  reads: 0,
};

// As GLB 1.0.2 was seen to answer.
test("getinfo", () => {
  expect(routerTable(USAGE)).toBe(`Router:
------------------------------------------------------
        Address       :   weight   usage    map  conns
      127.0.0.1:13306 :    2.000   0.000    N/A      0
      127.0.0.1:13307 :    1.000   0.000    N/A      0
------------------------------------------------------
Destinations: 2, total connections: 0 of 9981 max
`);
});

test("getinfo with connections, and with a map", () => {
  const [one, two] = USAGE.servers;
  const busy = [{ ...one, connections: 3 }, two] as ServiceUsage["servers"];
  expect(routerTable({ ...USAGE, servers: busy })).toContain(":    2.000   0.750    N/A      3\n");
  const mapped = routerTable({ ...USAGE, servers: busy, balance: "random" });
  expect(mapped).toContain(":    2.000   0.750   0.667     3\n");
  expect(mapped).toContain(":    1.000   0.000   1.000     0\n");
});

test("getstat: totals since the last report", () => {
  expect(statLine(USAGE, NO_TOTALS, 2165.64)).toBe(
    "in: 0 out: 0 recv: 0 / 0 send: 0 / 0 conns: 0 / 0 poll: 0 / 0 / 0 elapsed: 2.16564\n",
  );
  const used = { ...USAGE, total: 5, current: 4, bytesIn: 6930, bytesOut: 102_728, reads: 45 };
  expect(statLine(used, { ...NO_TOTALS, total: 1, bytesIn: 30 }, 1034.28)).toBe(
    "in: 6900 out: 102728 recv: 109628 / 45 send: 109628 / 45 conns: 4 / 4 poll: 45 / 0 / 45 elapsed: 1.03428\n",
  );
});
