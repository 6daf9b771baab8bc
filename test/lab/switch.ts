import { fileURLToPath } from "node:url";
import { LabError } from "./lab-error.ts";
import { Namespace } from "./namespace.ts";
import { Process } from "./process.ts";
import { run } from "./run.ts";

const DELAY_LINE = fileURLToPath(new URL("./delay-line.ts", import.meta.url));
const SUBNETS = 254;

export interface Impairment {
  /** Added to every frame in each direction, ms. */
  readonly delayMs?: number;
  /** Of the frames in each direction, 0 to 100. */
  readonly lossPercent?: number;
}

/** A socket of the switch with a host's cable in it. */
export interface Port {
  readonly number: number;
  readonly address: string;
  readonly address6: string;
}

/**
 * The lab's network: one bridge in a network namespace of its own, and a cable to the root namespace. Its number N names
 * the interface there (sluice-labN), which the kernel lets exist only once, and with it the subnets: so labs cannot clash.
 */
export class Switch {
  /** The interface in the root namespace that leads into the lab. */
  readonly uplink: string;
  readonly #number: number;
  readonly #namespace: Namespace;
  readonly #delayLines = new Map<number, Process>();
  #ports = 1;

  /** @param folder the lab's folder; the switch removes it in the end */
  static async create(folder: string): Promise<Switch> {
    const namespace = await Namespace.openSwitch(folder);
    try {
      return await Switch.#plugIn(namespace);
    } catch (error) {
      await namespace.close();
      throw error;
    }
  }

  static async #plugIn(namespace: Namespace): Promise<Switch> {
    const taken = (await run(["ip", "-4", "-oneline", "route", "show", "table", "all"])).stdout;
    const start = Math.floor(Math.random() * SUBNETS);
    for (let i = 0; i < SUBNETS; i++) {
      const number = 1 + ((start + i) % SUBNETS);
      if (taken.includes(`10.218.${number}.`)) continue;
      const network = new Switch(namespace, number);
      if (await network.#plugUplink()) return network;
    }
    throw new LabError("every subnet 10.218.1.0/24 to 10.218.254.0/24 is in use; are 254 labs running?");
  }

  private constructor(namespace: Namespace, number: number) {
    this.#namespace = namespace;
    this.#number = number;
    this.uplink = `sluice-lab${number}`;
  }

  /** The lab's address of host number `host`; 1 is the root namespace. */
  addressOf(host: number): Omit<Port, "number"> {
    const subnet = (0x6500 + this.#number).toString(16); // fd + "sluice" + number
    return {
      address: `10.218.${this.#number}.${host}`,
      address6: `fd73:6c75:6963:${subnet}::${host.toString(16)}`,
    };
  }

  /** Runs a cable from a free port to the network namespace of process `pid`, where it arrives as eth0. */
  async plug(pid: number): Promise<Port> {
    const number = ++this.#ports;
    if (number > 254) throw new LabError("a lab has room for 253 hosts");
    await this.#ip(
      `link add ${port(number)} type veth peer name eth0 netns ${pid}`,
      `link set ${port(number)} master bridge up`,
    );
    return { number, ...this.addressOf(number) };
  }

  async setLink({ number }: Port, state: "up" | "down"): Promise<void> {
    await this.#ip(`link set ${port(number)} ${state}`);
  }

  /**
   * Puts a delay line between a port and the bridge. A program of our own and not tc netem, because that is missing from
   * kernels the lab has to run on.
   */
  async impair({ number }: Port, { delayMs = 0, lossPercent = 0 }: Impairment): Promise<void> {
    await this.repair({ number });
    await this.#ip(
      `link set ${port(number)} nomaster`,
      `link add slow${number} type veth peer name fast${number}`,
      `link set fast${number} master bridge up`,
      `link set slow${number} up`,
    );
    const command = [
      process.execPath,
      DELAY_LINE,
      port(number),
      `slow${number}`,
      `${delayMs}`,
      `${lossPercent}`,
    ];
    const line = await Process.start([...this.#namespace.enter, "--", ...command], { keepInputOpen: true });
    this.#delayLines.set(number, line);
    await line.waitForOutput(/^ready$/m);
  }

  async repair({ number }: Pick<Port, "number">): Promise<void> {
    const line = this.#delayLines.get(number);
    if (!line) return;
    this.#delayLines.delete(number);
    line.kill();
    await line.ended();
    await this.#ip(`link delete slow${number}`, `link set ${port(number)} master bridge`);
  }

  /** Resolves once the switch, the uplink and the lab's folder are gone. */
  async close(): Promise<void> {
    for (const line of this.#delayLines.values()) line.kill();
    await this.#namespace.close();
  }

  /** False if a lab with this number exists. */
  async #plugUplink(): Promise<boolean> {
    try {
      await this.#ip(`link add uplink type veth peer name ${this.uplink} netns ${process.pid}`);
    } catch (error) {
      if (error instanceof LabError && error.message.includes("File exists")) return false;
      throw error;
    }
    await this.#ip(
      "link add bridge type bridge forward_delay 0 stp_state 0 mcast_snooping 0",
      "link set bridge up",
      "link set uplink master bridge up",
    );
    const { address, address6 } = this.addressOf(1);
    await ip(
      [],
      [
        `address add ${address}/24 dev ${this.uplink}`,
        `address add ${address6}/64 dev ${this.uplink} nodad`,
        `link set ${this.uplink} up`,
      ],
    );
    return true;
  }

  async #ip(...lines: readonly string[]): Promise<void> {
    await ip([...this.#namespace.enter, "--"], lines);
  }
}

function port(number: number): string {
  return `port${number}`;
}

/** Runs lines of iproute2 in one go. @param enter what leads into the namespace; nothing for the root namespace */
export async function ip(enter: readonly string[], lines: readonly string[]): Promise<void> {
  await run([...enter, "ip", "-batch", "-"], { stdin: lines.map((line) => `${line}\n`).join("") });
}
