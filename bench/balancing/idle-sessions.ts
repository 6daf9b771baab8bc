import { connect, type Socket } from "node:net";
import { residentMb } from "../../test/lab/balancer.ts";
import type { Contender } from "./contenders.ts";

const AT_A_TIME = 100;
const OK = 0x00;
const HEADER_BYTES = 4;

/** Opens so many sessions, each logged in, and says what each costs the proxy while none of them says a word; kB. */
export async function memoryOfIdleSessions(contender: Contender, count: number): Promise<number> {
  const resident = (): number => contender.pids.reduce((sum, pid) => sum + residentMb(pid) * 1024, 0);
  const before = resident();
  const sockets: Socket[] = [];
  try {
    while (sockets.length < count) {
      const batch = Math.min(AT_A_TIME, count - sockets.length);
      sockets.push(...(await Promise.all(Array.from({ length: batch }, () => logIn(contender)))));
    }
    return (resident() - before) / count;
  } finally {
    for (const socket of sockets) socket.destroy();
  }
}

/** A session of an account without a password. */
async function logIn({ address, port }: Contender): Promise<Socket> {
  const socket = connect(port, address);
  await packet(socket);
  socket.write(LOGIN);
  const answer = await packet(socket);
  if (answer[HEADER_BYTES] !== OK) throw new Error(`the server refused the login: ${answer}`);
  socket.pause();
  return socket;
}

async function packet(socket: Socket): Promise<Buffer> {
  return await new Promise((resolve, reject) => {
    const forget = (): void => {
      socket.off("data", onData).off("error", reject).off("close", onClose);
    };
    const onData = (chunk: Buffer): void => {
      forget();
      resolve(chunk);
    };
    const onClose = (): void => reject(new Error("the connection was closed during the login"));
    socket.on("data", onData).on("error", reject).on("close", onClose);
  });
}

/** CLIENT_PROTOCOL_41, CLIENT_SECURE_CONNECTION, CLIENT_PLUGIN_AUTH; 16 MB packets, utf8mb4, user sbtest, no password. */
const LOGIN = ((): Buffer => {
  const fixed = Buffer.alloc(32);
  fixed.writeUInt32LE(0x200 | 0x8000 | 0x80000, 0);
  fixed.writeUInt32LE(1 << 24, 4);
  fixed[8] = 45;
  const body = Buffer.concat([fixed, Buffer.from("sbtest\0\0mysql_native_password\0")]);
  const header = Buffer.from([body.length, 0, 0, 1]);
  return Buffer.concat([header, body]);
})();
