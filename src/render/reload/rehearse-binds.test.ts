import { expect, test } from "bun:test";
import { createServer } from "node:net";
import { boundAddresses, rehearseBinds } from "./rehearse-binds.ts";

test("reads the plain addresses of bind lines, and leaves out the others", () => {
  const text = `
listen a
  bind :3306
  bind *:3307,10.0.0.1:3308 ssl
  bind :::3309 v4v6
  bind ipv6@:3310
  bind [fd00::1]:3311
  bind /run/a.sock
  bind unix@/run/b.sock
  bind "$PORT"
  bind :4000-4010
  bind 192.0.2.1:3312 transparent
  bind name:3313
`;
  expect(boundAddresses(text).map(({ host, port }) => `${host} ${port}`)).toEqual([
    "0.0.0.0 3306",
    "0.0.0.0 3307",
    "10.0.0.1 3308",
    ":: 3309",
    ":: 3310",
    "fd00::1 3311",
  ]);
});

test("names what cannot be bound, but not what the old process holds", async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const text = `bind 127.0.0.1:${port}`;
  await expect(rehearseBinds(text, [])).rejects.toThrow(`port ${port}: another program has it`);
  await rehearseBinds(text, [{ host: "127.0.0.1", port }]);
  await expect(rehearseBinds("bind 192.0.2.1:1", [])).rejects.toMatchObject({ code: "HAPROXY_REFUSED" });
  server.close();
});
