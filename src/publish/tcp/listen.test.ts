import { afterEach, describe, expect, test } from "bun:test";
import { type AddressInfo, createServer, type Server } from "node:net";
import { SluiceError } from "../../errors/sluice-error.ts";
import { listen, listenError } from "./listen.ts";

const servers: Server[] = [];
const server = () => {
  const made = createServer();
  servers.push(made);
  return made;
};
const portOf = (made: Server) => (made.address() as AddressInfo).port;

afterEach(() => {
  for (const made of servers.splice(0)) made.close();
});

describe("listen", () => {
  test("a port that is taken is named", async () => {
    const first = server();
    const where = await listen(first, { kind: "tcp", host: "::", port: 0 });
    const port = portOf(first);
    expect(where).toBe(`[::]:${port}`);
    await expect(listen(server(), { kind: "tcp", host: "::", port })).rejects.toMatchObject({
      code: "ADDRESS_IN_USE",
      message: `cannot listen on [::]:${port}: another program does`,
    });
    await expect(listen(server(), { kind: "tcp", host: "127.0.0.1", port })).rejects.toMatchObject({
      message: `cannot listen on 127.0.0.1:${port}: another program does`,
    });
  });

  test("an address that this host lacks is a mistake of the configuration", async () => {
    await expect(listen(server(), { kind: "tcp", host: "192.0.2.1", port: 0 })).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      message: "cannot listen on 192.0.2.1:0: this host has no such address",
    });
  });

  test("a descriptor that is no socket is named", async () => {
    await expect(listen(server(), { kind: "fd", fd: 987 })).rejects.toMatchObject({
      code: "IO_FAILED",
      message: expect.stringContaining("cannot listen on inherited socket 987: "),
    });
  });

  test.each(["EAFNOSUPPORT", "EADDRNOTAVAIL", undefined])(
    "without IPv6 (%s), :: is every IPv4 address",
    async (code) => {
      const made = server();
      const real = made.listen.bind(made);
      // Stands in for a kernel without IPv6, which a test cannot have.
      made.listen = ((options: { host: string; port: number }) => {
        if (options.host !== "::") return real(options);
        queueMicrotask(() => made.emit("error", Object.assign(new Error("no IPv6"), { code })));
        return made;
      }) as typeof made.listen;
      await listen(made, { kind: "tcp", host: "::", port: 0 });
      expect((made.address() as AddressInfo).family).toBe("IPv4");
    },
  );
});

test.each([
  ["EACCES", "FORBIDDEN"],
  ["EADDRINUSE", "ADDRESS_IN_USE"],
  ["EADDRNOTAVAIL", "CONFIG_INVALID"],
  ["EMFILE", "IO_FAILED"],
])("%s becomes %s", (errno, code) => {
  const error = listenError(Object.assign(new Error("words"), { code: errno }), "[::]:80");
  expect(error).toBeInstanceOf(SluiceError);
  expect(error).toMatchObject({ code, message: expect.stringContaining("[::]:80") });
});
