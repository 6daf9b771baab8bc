import { chmodSync, mkdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { eventually } from "../eventually.ts";
import { type HttpAnswer, type HttpQuestion, httpRequest } from "./http.ts";
import { LabError } from "./lab-error.ts";
import { Namespace } from "./namespace.ts";
import { type Launch, Process } from "./process.ts";
import { type RunOptions, type RunResult, run } from "./run.ts";
import { type Impairment, ip, type Port, type Switch } from "./switch.ts";

/** What each host has for itself; the rest of the file system it shares with the machine. */
const PRIVATE_FOLDERS = ["/etc", "/run", "/var/tmp", "/dev/shm"];

interface AsUser {
  /** A name of /etc/passwd. Default root. */
  readonly user?: string;
}

/** A host of the lab: its own addresses, processes, host name, /etc, /run, /var/tmp and /dev/shm. */
export class Host {
  readonly name: string;
  /** A folder for this host's files, open to every user, the same path inside and outside. */
  readonly folder: string;
  /** A folder for what hosts share, such as certificates. */
  readonly labFolder: string;
  readonly #namespace: Namespace;
  readonly #network: Switch;
  readonly #port: Port;

  static async create(name: string, labFolder: string, hostsFile: string, network: Switch): Promise<Host> {
    const folder = join(labFolder, name);
    for (const path of PRIVATE_FOLDERS) mkdirSync(join(folder, path), { recursive: true });
    mkdirSync(join(folder, "run/lock"));
    chmodSync(join(folder, "var/tmp"), 0o1777);
    chmodSync(join(folder, "dev/shm"), 0o1777);
    await run(["cp", "-a", "/etc/.", join(folder, "etc")]);
    const namespace = await Namespace.openHost(name, folder, hostsFile);
    try {
      const port = await network.plug(namespace.pid);
      const addresses = [`${port.address}/24 dev eth0`, `${port.address6}/64 dev eth0 nodad`];
      const lines = [...addresses.map((address) => `address add ${address}`), "link set eth0 up"];
      await ip([...namespace.enter, "--"], lines);
      return new Host(name, labFolder, namespace, network, port);
    } catch (error) {
      await namespace.close();
      throw error;
    }
  }

  private constructor(name: string, labFolder: string, namespace: Namespace, network: Switch, port: Port) {
    this.name = name;
    this.labFolder = labFolder;
    this.folder = join(labFolder, name);
    this.#namespace = namespace;
    this.#network = network;
    this.#port = port;
  }

  get address(): string {
    return this.#port.address;
  }

  get address6(): string {
    return this.#port.address6;
  }

  /** Starts a program that goes on running; it dies with the lab. */
  async spawn(argv: readonly string[], options: Launch & AsUser = {}): Promise<Process> {
    return await Process.start(this.#inside(argv, options.user), { ...options, isWrapped: true });
  }

  /** Runs a command to its end. */
  async run(argv: readonly string[], options: RunOptions & AsUser = {}): Promise<RunResult> {
    return await run(this.#inside(argv, options.user), { ...options, isWrapped: true });
  }

  /** Where a file of this host is found from outside. */
  path(inside: string): string {
    const isPrivate = PRIVATE_FOLDERS.some((folder) => inside.startsWith(`${folder}/`));
    return isPrivate ? join(this.folder, inside) : inside;
  }

  /** Writes a file of this host, making its folder. Only where the host has its own files. */
  write(inside: string, text: string, mode = 0o644): void {
    const path = this.path(inside);
    if (!path.startsWith(`${this.folder}/`)) {
      throw new LabError(
        `${inside} is shared with the machine; a host's own files are under ${PRIVATE_FOLDERS.join(", ")}`,
      );
    }
    mkdirSync(dirname(path), { recursive: true });
    if (!`${realpathSync(dirname(path))}/`.startsWith(`${realpathSync(this.folder)}/`)) {
      throw new LabError(`${inside} leads out of the host: its folder is a link`);
    }
    // Debian's /etc is full of absolute links, which lead to the machine's own files when seen from outside.
    rmSync(path, { force: true });
    writeFileSync(path, text, { mode });
  }

  /** Pulls the network cable: what was sent is lost, what is sent waits for nothing. */
  async cut(): Promise<void> {
    await this.#network.setLink(this.#port, "down");
  }

  /** Delays or loses what goes to and from this host. */
  async slow(impairment: Impairment): Promise<void> {
    await this.#network.impair(this.#port, impairment);
  }

  /** Answers nothing to new or running connections on a TCP port, as a firewall does; those within the host included. */
  async drop({ port }: { readonly port: number }): Promise<void> {
    await this.run(["nft", "-f", "-"], {
      stdin: `table inet lab_faults {
        chain input { type filter hook input priority -300; tcp dport ${port} drop; }
      }`,
    });
  }

  /** Ends cut, slow and drop. */
  async restore(): Promise<void> {
    await this.run(["nft", "-f", "-"], { stdin: "table inet lab_faults\ndelete table inet lab_faults" });
    await this.#network.repair(this.#port);
    await this.#network.setLink(this.#port, "up");
  }

  /** Whether this host has the address now, be it its own or one that keepalived moves about. */
  async hasAddress(address: string): Promise<boolean> {
    const { stdout } = await this.run(["ip", "-oneline", "address", "show"]);
    return stdout.includes(` ${address}/`);
  }

  /** The same of an IPv4 address, from the kernel's own table: cheap enough to be asked all the time. */
  holds(address: string): boolean {
    const table = readFileSync(`/proc/${this.#namespace.pid}/net/fib_trie`, "latin1");
    return new RegExp(`-- ${address.replaceAll(".", "\\.")}\\s+/32 host LOCAL`).test(table);
  }

  /** Whether a process of this host listens on the TCP port, on any address. */
  isListening(port: number): boolean {
    const local = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
    return ["tcp", "tcp6"].some((family) =>
      readFileSync(`/proc/${this.#namespace.pid}/net/${family}`, "latin1")
        .split("\n")
        .some((line) => {
          const [, from, , state] = line.trim().split(/\s+/);
          return state === "0A" && from?.endsWith(local);
        }),
    );
  }

  /** Resolves once `process` (or a child of it) listens on all the ports; rejects early if it ends instead. */
  async untilListening(process: Process, ports: readonly number[], withinMs = 10_000): Promise<void> {
    const isReady = (): boolean => ports.every((port) => this.isListening(port));
    const end = eventually(() => process.hasExited || isReady(), { within: withinMs, every: 5 });
    await end.catch(() => {}); // told below, in the program's own words
    if (isReady()) return;
    const what = process.hasExited ? "ended instead of listening" : `does not listen after ${withinMs} ms`;
    throw new LabError(`${this.name}, port ${ports.join(", ")}: ${what}:\n${process.output.slice(-2_000)}`);
  }

  /** Asks this host over HTTP, from the root namespace, by IPv4 unless `family` is 6. */
  async http(
    path: string,
    { family = 4, ...question }: HttpQuestion & { readonly family?: 4 | 6 } = {},
  ): Promise<HttpAnswer> {
    return await httpRequest(family === 6 ? this.address6 : this.address, path, question);
  }

  /** Ends everything that runs here. */
  async close(): Promise<void> {
    await this.#namespace.close();
  }

  #inside(argv: readonly string[], user: string | undefined): readonly string[] {
    return [...this.#namespace.enter, ...(user ? identity(user) : []), "--", ...argv];
  }
}

/** setpriv's options for a user of /etc/passwd, in that user's groups. */
function identity(user: string): readonly string[] {
  const line = readFileSync("/etc/passwd", "utf8").match(new RegExp(`^${user}:[^:]*:(\\d+):(\\d+):`, "m"));
  if (!line) throw new LabError(`no user ${user} on this machine`);
  return [`--reuid=${line[1]}`, `--regid=${line[2]}`, "--init-groups"];
}
