import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { request as httpRequest, type IncomingHttpHeaders } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AdminServer, type AdminServerOptions, type TcpOptions } from "../../src/admin/admin-server.ts";
import { SYSTEM_CLOCK } from "../../src/telemetry/clock.ts";
import { SILENT_LOG } from "../../src/telemetry/log.ts";
import { MemoryControl } from "./memory-control.ts";

export const FLEET = `
[sluice]
threads=0
[db1]
type=server
address=10.0.0.1
monitorpw=topsecret
[db2]
type=server
address=10.0.0.2
port=3307
[db3]
type=server
socket=/run/mysqld/db3.sock
[m]
type=monitor
module=mariadbmon
servers=db1,db2
user=monitor
password=topsecret
monitor_interval=2s
[rw]
type=service
router=readwritesplit
cluster=m
user=sluice
password=topsecret
[ro]
type=service
router=readconnroute
servers=db1,db2
user=sluice
password=topsecret
[rw-listener]
type=listener
service=rw
port=4006
[node-health]
type=publisher
module=http
server=db1
port=9200
`;

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: what a client reads out of a document, path by path
  readonly json: any;
}

export interface Sent {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** `name:password`; undefined: nothing is sent. */
  readonly auth?: string | undefined;
}

export type FixtureChanges = Partial<AdminServerOptions> & {
  readonly fleet?: string;
  readonly tcpChanges?: Partial<TcpOptions>;
};

/** An admin server with its files in a directory of its own, and a client for it. */
export class AdminFixture {
  readonly control: MemoryControl;
  readonly server: AdminServer;
  readonly directory = mkdtempSync(join(tmpdir(), "sluice-admin-"));

  /** `change` is given the directory, for files that have to be there before. */
  constructor(change: FixtureChanges | ((directory: string) => FixtureChanges) = {}) {
    const changes = typeof change === "function" ? change(this.directory) : change;
    const { fleet = FLEET, tcpChanges, ...rest } = changes;
    this.control = new MemoryControl(fleet);
    this.server = new AdminServer({
      tcp: {
        host: "127.0.0.1",
        port: 0,
        tls: undefined,
        asksForAccount: true,
        isInsecureAllowed: false,
        ...tcpChanges,
      },
      socket: { path: this.socketPath, mode: 0o660, gid: process.getgid?.() },
      accountsFile: join(this.directory, "accounts.json"),
      control: this.control,
      clock: SYSTEM_CLOCK,
      log: SILENT_LOG,
      ...rest,
    });
  }

  static async started(change?: ConstructorParameters<typeof AdminFixture>[0]): Promise<AdminFixture> {
    const fixture = new AdminFixture(change);
    await fixture.server.start();
    return fixture;
  }

  get socketPath(): string {
    return join(this.directory, "admin.sock");
  }

  get firstPassword(): string {
    return readFileSync(join(this.directory, "accounts.json.first-password"), "utf8").trim();
  }

  /** Over the unix socket, so without an account. */
  local(method: string, path: string, sent: Sent = {}): Promise<Reply> {
    return send({ socketPath: this.socketPath }, method, path, sent);
  }

  /** Over TCP. */
  remote(method: string, path: string, sent: Sent = {}): Promise<Reply> {
    return send({ host: "127.0.0.1", port: this.server.port ?? 0 }, method, path, sent);
  }

  async close(): Promise<void> {
    await this.server.close();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

type Target = { readonly socketPath: string } | { readonly host: string; readonly port: number };

function send(
  target: Target,
  method: string,
  path: string,
  { body, headers = {}, auth }: Sent,
): Promise<Reply> {
  const text = body === undefined ? undefined : typeof body === "string" ? body : JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      {
        ...target,
        method,
        path,
        agent: false,
        headers: {
          ...(text === undefined
            ? {}
            : { "content-type": "application/json", "content-length": Buffer.byteLength(text) }),
          ...(auth === undefined ? {} : { authorization: `Basic ${Buffer.from(auth).toString("base64")}` }),
          ...headers,
        },
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("end", () => {
          const answer = Buffer.concat(chunks).toString();
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            text: answer,
            json: parse(answer),
          });
        });
      },
    );
    request.on("error", reject);
    request.setTimeout(20_000, () => request.destroy(new Error("no answer within 20 s")));
    request.end(text);
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
