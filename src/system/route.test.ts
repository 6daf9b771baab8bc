import { expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { hasRoute } from "./route.ts";

test.each(["127.0.0.1", "::1"])("there is a way to %s", async (ip) => {
  expect(await hasRoute(ip)).toBe(true);
});

test("what is no address is not judged", async () => {
  expect(await hasRoute("db1.example")).toBe(true);
});

test("without a network there is no way to anybody", () => {
  const module = fileURLToPath(new URL("./route.ts", import.meta.url));
  const script = `import { hasRoute } from "${module}";
    console.log(await hasRoute("198.51.100.7"), await hasRoute("2001:db8::7"));`;
  const { stdout, stderr } = spawnSync(
    "unshare",
    ["--net", "--map-root-user", process.execPath, "-e", script],
    { encoding: "utf8", timeout: 10_000 },
  );
  expect({ stdout, stderr }).toEqual({ stdout: "false false\n", stderr: "" });
});
