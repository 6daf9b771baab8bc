import { copyFileSync, mkdirSync, readFileSync, symlinkSync } from "node:fs";
import type { Host } from "./host.ts";
import { httpRequest } from "./http.ts";
import { startKeepalived } from "./keepalived.ts";
import type { MariaDb } from "./maria-db.ts";
import type { Process } from "./process.ts";
import { runSluice, sluicePath } from "./sluice.ts";

/** keepalived runs nothing that anybody but root might replace: not from the folder of a working copy. */
export const SLUICE = "/run/bin/sluice";
/** Not in the runtime directory, which systemd removes with the service. */
const TRACK = "/run/sluice-track";
/** Where the proxies of a pair take connections. */
export const VIP_PORT = 4006;
const ANSWER_MS = 1000;

export interface VrrpSettings {
  readonly role: "master" | "backup";
  readonly vip: string;
  /** The server that both proxies lead to; its account is `monitor`. */
  readonly server: MariaDb;
  /** Puts files of its own on the host. */
  readonly prepare?: (host: Host) => void;
  /** Further arguments of `sluice render keepalived`. */
  readonly render?: readonly string[];
  /** What an operator would change in the file by hand. */
  readonly edit?: (configuration: string) => string;
}

/** One host of a pair: a Sluice and a keepalived whose configuration Sluice has rendered. */
export class VrrpHost {
  readonly host: Host;
  readonly #settings: VrrpSettings;
  #keepalived: Process | undefined;
  #sluice: Process | undefined;

  static async start(host: Host, settings: VrrpSettings): Promise<VrrpHost> {
    const started = new VrrpHost(host, settings);
    mkdirSync(host.path("/run/bin"), { recursive: true });
    copyFileSync(sluicePath(), host.path(SLUICE));
    symlinkSync("sluice", host.path("/run/bin/maxify"));
    host.write("/etc/sluice.cnf", configuration(host, settings.server), 0o600);
    settings.prepare?.(host);
    await started.startSluice();
    await started.startKeepalived();
    return started;
  }

  private constructor(host: Host, settings: VrrpSettings) {
    this.host = host;
    this.#settings = settings;
  }

  get sluice(): Process {
    if (this.#sluice === undefined) throw new Error("Sluice has not been started");
    return this.#sluice;
  }

  get keepalived(): Process {
    if (this.#keepalived === undefined) throw new Error("keepalived has not been started");
    return this.#keepalived;
  }

  async startSluice(): Promise<void> {
    this.#sluice = await this.host.spawn([SLUICE, "run"], { env: { SLUICE_RUNTIME_DIR: "/run/sluice" } });
    await this.host.untilListening(this.#sluice, [8989, VIP_PORT]);
  }

  async startKeepalived(): Promise<void> {
    const { role, vip, render = [], edit = (text) => text } = this.#settings;
    const args = ["render", "keepalived", "--role", role, "--vip", `${vip}/24`, "--interface", "eth0"];
    const { stdout } = await runSluice(this.host, [
      ...args,
      ...["--script-user", "root", "--sluice", SLUICE],
      ...render,
    ]);
    this.#keepalived = await startKeepalived(this.host, edit(stdout));
  }

  get holdsAddress(): boolean {
    return this.host.holds(this.#settings.vip);
  }

  /** Whether its proxy may not act; asked inside the host, whatever its network does. Rejects where it does not answer. */
  async isPassive(): Promise<boolean> {
    const socketPath = this.host.path("/run/sluice/admin.sock");
    const { body } = await httpRequest("localhost", "/v1/maxscale", { socketPath, timeoutMs: ANSWER_MS });
    const { data } = JSON.parse(body) as { data: { attributes: { parameters: { passive: boolean } } } };
    return data.attributes.parameters.passive;
  }

  get track(): string {
    return readFileSync(this.host.path(TRACK), "utf8").trim();
  }
}

const configuration = ({ folder }: Host, { address }: MariaDb): string => `[sluice]
threads=1
datadir=${folder}
[db1]
type=server
address=${address}
[cluster]
type=monitor
module=auto
servers=db1
user=monitor
password=Monitor 1
monitor_interval=500ms
[write]
type=service
router=readconnroute
cluster=cluster
[write-listener]
type=listener
service=write
port=${VIP_PORT}
[track]
type=publisher
module=track-file
monitor=cluster
file=${TRACK}
`;
