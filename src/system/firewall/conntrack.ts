import type { RunCommand } from "../run-command.ts";
import { type Family, familyOf } from "./family.ts";
import { firewallError } from "./firewall-error.ts";

export interface Address {
  readonly address: string;
  readonly port: number;
}

/** A translated TCP connection, as the kernel tracks it. */
export interface Flow {
  /** The kernel's number of it; 0 where it told none. */
  readonly id: number;
  readonly state: string;
  /** The kernel forgets it after so many seconds without a packet. */
  readonly secondsLeft: number;
  readonly client: Address;
  /** Where the client believes to be connected to. */
  readonly listener: Address;
  /** Where it really is. */
  readonly server: Address;
  /** Whom the server believes to be connected to. */
  readonly seenAs: Address;
}

/** Which connections are meant; of those that were led elsewhere than the client believes (DNAT). */
export interface FlowFilter {
  /** The port the client connected to. */
  readonly port?: number;
  readonly serverPort?: number;
  readonly server?: string;
  readonly client?: Address;
}

/** Connection tracking, by the program `conntrack`. Its methods throw FIREWALL_MISSING, FIREWALL_DENIED or FIREWALL_FAILED. */
export class Conntrack {
  readonly #run: RunCommand;

  constructor(run: RunCommand) {
    this.#run = run;
  }

  /** Those that have not ended. */
  async list(family: Family, filter: FlowFilter): Promise<readonly Flow[]> {
    return parseFlows(await this.#conntrack("-L", family, conditions(filter)));
  }

  /**
   * Forgets them: nothing is translated for them any more.
   * @returns those that had not ended, as they were then
   */
  async forget(family: Family, filter: FlowFilter): Promise<readonly Flow[]> {
    return parseFlows(await this.#conntrack("-D", family, conditions(filter)));
  }

  /** Forgets what this host has begun itself from that address and port. */
  async forgetOwn({ address, port }: Address): Promise<void> {
    await this.#conntrack("-D", familyOf(address), ["--orig-src", address, "--orig-port-src", String(port)]);
  }

  async #conntrack(action: "-L" | "-D", family: Family, which: readonly string[]): Promise<string> {
    const ofFamily = ["-f", family === 4 ? "ipv4" : "ipv6"];
    const argv = ["conntrack", action, ...ofFamily, "-p", "tcp", ...which, "-o", "id"];
    const result = await this.#run(argv);
    // -D ends with 1 where nothing was there to delete.
    const isDone = result.code === 0 || (action === "-D" && result.code === 1);
    if (!isDone) throw firewallError("conntrack", result);
    return result.stdout;
  }
}

function conditions({ port, serverPort, server, client }: FlowFilter): readonly string[] {
  return [
    ...(port === undefined ? ["--dst-nat"] : ["--orig-port-dst", String(port)]),
    ...(serverPort === undefined ? [] : ["--reply-port-src", String(serverPort)]),
    ...(server === undefined ? [] : ["--reply-src", server]),
    ...(client === undefined ? [] : ["--orig-src", client.address, "--orig-port-src", String(client.port)]),
  ];
}

// The kernel remembers these for a while after both ends have closed.
const HAS_ENDED: ReadonlySet<string> = new Set(["LAST_ACK", "TIME_WAIT", "CLOSE"]);
const LINE =
  /\btcp +6 +(\d+) (\w+) src=(\S+) dst=(\S+) sport=(\d+) dport=(\d+) .*?src=(\S+) dst=(\S+) sport=(\d+) dport=(\d+)(?:.* id=(\d+))?/;

/** What `conntrack -L` prints: the original direction of each connection, then that of the replies. */
export function parseFlows(listing: string): readonly Flow[] {
  return listing.split("\n").flatMap((line) => {
    const found = LINE.exec(line);
    if (found === null || HAS_ENDED.has(found[2] ?? "")) return [];
    const at = (address: number, port: number): Address => ({
      address: found[address] ?? "",
      port: Number(found[port]),
    });
    return [
      {
        id: Number(found[11] ?? 0),
        state: found[2] ?? "",
        secondsLeft: Number(found[1]),
        client: at(3, 5),
        listener: at(4, 6),
        server: at(7, 9),
        seenAs: at(8, 10),
      },
    ];
  });
}
