import { expect, test } from "bun:test";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { afterPoll } from "./after-poll.ts";

test("what has come by then is read first", async () => {
  const { promise: accepted, resolve: accept } = Promise.withResolvers<Socket>();
  const server = createServer(accept);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const client = connect((server.address() as AddressInfo).port, "127.0.0.1");
  const socket = await accepted;
  try {
    for (let round = 0; round < 20; round++) {
      let heard = "";
      socket.once("data", (chunk) => {
        heard = chunk.toString();
      });
      client.write("in time");
      await new Promise<void>((resolve) => setTimeout(() => afterPoll(resolve), 0));
      expect(heard).toBe("in time");
    }
  } finally {
    client.destroy();
    server.close();
  }
});
