import { readKeptCrypt } from "../../src/wire/auth/sha256-crypt.ts";
import { readAuthSwitch, writeAuthSwitch } from "../../src/wire/auth-switch.ts";
import { CLIENT } from "../../src/wire/capability.ts";
import { readChangeUser, writeChangeUser } from "../../src/wire/change-user.ts";
import { readError, writeError } from "../../src/wire/error-packet.ts";
import { readGreeting, writeGreeting } from "../../src/wire/greeting.ts";
import { readLoginHead, readLoginRequest, writeLoginRequest } from "../../src/wire/login-request.ts";
import { MalformedPacket } from "../../src/wire/malformed-packet.ts";
import { PLAIN_OK, readOk, STATUS, writeOk } from "../../src/wire/ok-packet.ts";
import { framed, PacketReader } from "../../src/wire/packet.ts";
import { readProxyHeader, writeProxyHeader } from "../../src/wire/proxy-header.ts";
import { faceOf } from "../../src/wire/service-face.ts";
import { readSessionTrack } from "../../src/wire/session-track.ts";

/** A parser, and bytes that it takes: fuzzing begins with them, for random bytes alone seldom come past the first field. */
export interface FuzzedParser {
  readonly name: string;
  readonly sample: Buffer;
  parse(bytes: Buffer): unknown;
}

const CAPABILITIES =
  CLIENT.PROTOCOL_41 |
  CLIENT.SECURE_CONNECTION |
  CLIENT.PLUGIN_AUTH |
  CLIENT.PLUGIN_AUTH_LENENC_DATA |
  CLIENT.CONNECT_WITH_DB |
  CLIENT.CONNECT_ATTRS |
  CLIENT.SESSION_TRACK;

const scramble = Buffer.from("abcdefghijklmnopqrst");
const attributes = Buffer.from("\u0004_pid\u00041234\u0003_os\u0005Linux");

const login = writeLoginRequest({
  capabilities: CAPABILITIES,
  mariadbCapabilities: 0,
  maxPacket: 1 << 24,
  characterSet: 45,
  user: "shop",
  authResponse: scramble,
  database: "orders",
  plugin: "mysql_native_password",
  attributes,
});

/** A database, a variable, a GTID, the state of a transaction. */
const track = Buffer.from(
  "0104" +
    "036f6e65" +
    "00110a" +
    Buffer.from("autocommit").toString("hex") +
    "05" +
    Buffer.from("OFF\0\0").toString("hex") +
    "030700" +
    "05302d312d32" +
    "0509085f5f5f5f5f5f5f5f",
  "hex",
);

export const WIRE_PARSERS: readonly FuzzedParser[] = [
  {
    name: "greeting",
    sample: writeGreeting({ ...faceOf(["10.11.6-MariaDB"]), connectionId: 7, scramble, statusFlags: 2 }),
    parse: readGreeting,
  },
  { name: "login", sample: login, parse: readLoginRequest },
  { name: "head of a login", sample: login.subarray(0, 32), parse: readLoginHead },
  {
    name: "COM_CHANGE_USER",
    sample: writeChangeUser(
      {
        user: "shop",
        authResponse: scramble,
        database: "orders",
        characterSet: 45,
        plugin: "mysql_native_password",
        attributes,
      },
      CAPABILITIES,
    ),
    parse: (bytes) => readChangeUser(bytes, CAPABILITIES),
  },
  {
    name: "OK",
    sample: writeOk(
      {
        ...PLAIN_OK,
        statusFlags: STATUS.SESSION_STATE_CHANGED,
        info: Buffer.from("done"),
        sessionTrack: track,
      },
      CAPABILITIES,
    ),
    parse: (bytes) => {
      const { sessionTrack } = readOk(bytes, CAPABILITIES);
      return readSessionTrack(sessionTrack);
    },
  },
  { name: "OK without track", sample: writeOk(PLAIN_OK, 0), parse: (bytes) => readOk(bytes, 0) },
  { name: "session track", sample: track, parse: readSessionTrack },
  { name: "ERR", sample: writeError({ errno: 1045, sentence: "Access denied" }), parse: readError },
  {
    name: "switch of the plugin",
    sample: writeAuthSwitch({ plugin: "caching_sha2_password", scramble }),
    parse: readAuthSwitch,
  },
  {
    name: "packets",
    sample: Buffer.concat([framed(0, login), framed(1, scramble)]),
    parse: (bytes) => {
      const reader = new PacketReader(16 << 10);
      reader.feed(bytes);
      while (reader.next() !== undefined);
    },
  },
  {
    name: "PROXY header",
    sample: writeProxyHeader("v2", {
      source: { address: "10.0.0.1", port: 1 },
      destination: { address: "10.0.0.2", port: 2 },
    }),
    parse: readProxyHeader,
  },
  {
    name: "kept password",
    sample: Buffer.from(`$A$005$${"s".repeat(20)}${"k".repeat(43)}`),
    parse: readKeptCrypt,
  },
];

/** Throws where the parser throws anything but its own error. */
export function fuzzOnce({ name, parse }: FuzzedParser, bytes: Buffer): void {
  try {
    parse(bytes);
  } catch (error) {
    if (error instanceof MalformedPacket) return;
    throw new Error(`${name}: ${bytes.toString("hex")}: ${String(error)}`, { cause: error });
  }
}
