/**
 * test/lab/: hosts for tests, benchmarks and the demo, with real daemons on them. Imports nothing of src/ and no test framework.
 *
 *     root namespace ── uplink ── switch ─┬─ host db1   each host: own addresses, processes, name, /etc, /run …
 *     (test, curl, drivers)               └─ host db2   on it: MariaDb, HaProxy, Nginx, Sluice, anything spawned
 *
 * Everything dies with this process, even by kill -9, and leaves nothing behind: see namespace.ts.
 */
import { chmodSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Certificate, type CertificateSettings, issueCertificate } from "./certificates.ts";
import { Host } from "./host.ts";
import { LabError } from "./lab-error.ts";
import { checkRequirements } from "./requirements.ts";
import { Switch } from "./switch.ts";

const FOLDER_PREFIX = "sluice-lab-";
/** Labs not destroyed yet: a lab ends when its pipes are closed, and must not when nobody happens to refer to it. */
const live = new Set<Lab>();

export class Lab {
  readonly name: string;
  /** Everything the lab writes; gone after destroy(). */
  readonly folder: string;
  readonly #network: Switch;
  readonly #hosts = new Map<string, Promise<Host>>();
  #closed: Promise<void> | undefined;

  /** @param name appears in the folder's name only. Rejects with what is missing if this machine cannot hold a lab. */
  static async create({ name = "lab" } = {}): Promise<Lab> {
    await checkRequirements();
    removeLeftovers();
    const folder = mkdtempSync(join(tmpdir(), `${FOLDER_PREFIX}${process.pid}-${name}-`));
    chmodSync(folder, 0o755); // daemons run as users of their own
    writeFileSync(join(folder, "hosts"), "127.0.0.1 localhost\n::1 localhost\n");
    const lab = new Lab(name, folder, await Switch.create(folder));
    live.add(lab);
    return lab;
  }

  private constructor(name: string, folder: string, network: Switch) {
    this.name = name;
    this.folder = folder;
    this.#network = network;
  }

  /** The interface in the root namespace that leads to the hosts. */
  get uplink(): string {
    return this.#network.uplink;
  }

  /** The address of the root namespace in this lab, as hosts see the test process. */
  get address(): string {
    return this.#network.addressOf(1).address;
  }

  get address6(): string {
    return this.#network.addressOf(1).address6;
  }

  /** The host of that name, made when first asked for. Hosts know each other by name (/etc/hosts). */
  async host(name: string): Promise<Host> {
    if (!/^[a-z][a-z0-9-]{0,30}$/.test(name)) {
      throw new LabError(`host name "${name}": use a small letter, then small letters, digits and hyphens`);
    }
    if (this.#closed !== undefined) throw new LabError(`lab ${this.name} has been destroyed`);
    let host = this.#hosts.get(name);
    if (!host) {
      host = this.#create(name);
      this.#hosts.set(name, host);
    }
    return await host;
  }

  /** A certificate signed by an authority of this lab. */
  async certificate(name: string, settings?: CertificateSettings): Promise<Certificate> {
    return await issueCertificate(this.folder, name, settings);
  }

  /** Ends every program of the lab and removes all of it. May be called again. */
  async destroy(): Promise<void> {
    this.#closed ??= this.#close();
    await this.#closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.destroy();
  }

  async #create(name: string): Promise<Host> {
    const hostsFile = join(this.folder, "hosts");
    const host = await Host.create(name, this.folder, hostsFile, this.#network);
    // Written in place: the hosts have mounted this very inode.
    writeFileSync(hostsFile, `${host.address} ${name}\n${host.address6} ${name}\n`, { flag: "a" });
    return host;
  }

  async #close(): Promise<void> {
    const hosts = await Promise.allSettled(this.#hosts.values());
    await Promise.allSettled(hosts.map((host) => host.status === "fulfilled" && host.value.close()));
    await this.#network.close();
    live.delete(this);
  }
}

/** Removes folders of labs whose process is gone. A lab does that itself when it ends; this is for a machine that lost power. */
function removeLeftovers(): void {
  for (const entry of readdirSync(tmpdir())) {
    const pid = entry.startsWith(FOLDER_PREFIX) && Number.parseInt(entry.slice(FOLDER_PREFIX.length), 10);
    if (!pid || isAlive(pid)) continue;
    try {
      rmSync(join(tmpdir(), entry), { recursive: true, force: true });
    } catch {
      // its own switch is removing it this very moment
    }
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}
