import type { SessionLine } from "../../../proxy/worker/messages.ts";
import { type Address, Conntrack, type Flow, type FlowFilter } from "../../../system/firewall/conntrack.ts";
import { FAMILIES, type Family, familyOf } from "../../../system/firewall/family.ts";
import type { RunCommand } from "../../../system/run-command.ts";
import type { Clock } from "../../../telemetry/clock.ts";
import { formatHostPort } from "../../../topology/endpoint.ts";
import { type KernelListener, type KernelPlan, serverKey } from "./kernel-plan.ts";

/** A connection that the kernel carries for a service. */
export interface KernelFlow extends Flow {
  readonly service: string;
  readonly listenerName: string;
  readonly serverName: string;
  /** When it was first seen, ms since 1970. */
  readonly since: number;
}

export interface KernelFlowsParts {
  readonly clock: Clock;
  readonly run: RunCommand;
  /** See resetPeer(). */
  reset(pretended: Address, peer: Address): Promise<unknown>;
}

/** Between batches of resets, so that nothing else waits for long. */
const BATCH = 100;
/** What resets an end can get lost, as any packet, and Linux answers such a question only twice a second: it is asked once more. */
const AGAIN_MS = 700;
/** By then an end has answered. */
const ANSWERED_MS = 100;

/** The connections of the services, as the kernel tracks them. Its methods throw what Conntrack does. */
export class KernelFlows {
  readonly #parts: KernelFlowsParts;
  readonly #conntrack: Conntrack;
  readonly #since = new Map<string, number>();
  readonly #resets = new Set<Promise<void>>();
  /** In whose names clients have been asked, and the kernel may still know of it. */
  readonly #asked = new Map<string, Address>();
  #tidying: Promise<void> | undefined;

  constructor(parts: KernelFlowsParts) {
    this.#parts = parts;
    this.#conntrack = new Conntrack(parts.run);
  }

  /** Can they be told here at all? */
  async check(): Promise<void> {
    await this.#conntrack.list(4, { port: 1 });
  }

  async list(plans: readonly KernelPlan[], now: number): Promise<readonly KernelFlow[]> {
    const families = FAMILIES.filter((family) =>
      plans.some(({ servers }) =>
        [...servers.keys()].some((key) => (key.startsWith("[") ? 6 : 4) === family),
      ),
    );
    const flows: KernelFlow[] = [];
    for (const family of families)
      for (const flow of await this.#conntrack.list(family, {})) {
        const owned = ownerOf(flow, plans);
        if (owned !== undefined) flows.push({ ...flow, ...owned, since: this.#seen(flow, now) });
      }
    this.#forgetAllBut(flows);
    return flows;
  }

  /**
   * Ends connections, and whatever else leads from their listeners to their servers by then: the kernel forgets them, and both
   * ends are reset, which `allReset` waits for. Rules that lead to their server must have been changed before.
   */
  async cut(flows: readonly KernelFlow[]): Promise<void> {
    const groups = new Map(flows.map((flow) => [groupOf(flow), flow]));
    for (const [group, { listener, server }] of groups) {
      const listed = flows.filter((flow) => groupOf(flow) === group);
      const filter = { port: listener.port, server: server.address, serverPort: server.port };
      await this.#forget(listed, familyOf(server.address), filter);
    }
  }

  async cutOne(flow: KernelFlow): Promise<void> {
    const { listener, client } = flow;
    await this.#forget([flow], familyOf(client.address), { port: listener.port, client });
  }

  /** Resolves once everybody has been told whose connection was cut. */
  get allReset(): Promise<unknown> {
    return Promise.all(this.#resets);
  }

  /** @param listed what is known of those that are meant */
  async #forget(listed: readonly Flow[], family: Family, filter: FlowFilter): Promise<void> {
    // Where it fails halfway, any of them may have been forgotten; to reset one that was not changes nothing (see resetPeer).
    let forgotten = listed;
    try {
      // Some have come or got on since they were listed, and only the kernel knows whom it has just forgotten.
      forgotten = await this.#conntrack.forget(family, filter);
    } finally {
      this.#resetLater(forgotten);
    }
  }

  /** With very many of them it takes long, and renewals of the rules must not wait for that. */
  #resetLater(flows: readonly Flow[]): void {
    if (flows.length === 0) return;
    const reset = this.#resetTwice(flows)
      .catch(() => {})
      .finally(() => this.#resets.delete(reset));
    this.#resets.add(reset);
  }

  async #resetTwice(flows: readonly Flow[]): Promise<void> {
    await this.#reset(flows);
    const tidied = this.#tidy();
    await this.#pause(AGAIN_MS);
    await this.#reset(flows);
    await Promise.all([tidied, this.#tidy()]);
  }

  /**
   * The kernel keeps in mind for ten seconds that this host has asked a client, from the service's own port. A client that connects
   * anew from its port of before would be taken for the answer, led nowhere and refused; and as a client's kernel takes such a port
   * again and again, nobody on that host could connect.
   */
  #tidy(): Promise<void> {
    this.#tidying ??= this.#forgetAsked();
    return this.#tidying;
  }

  async #forgetAsked(): Promise<void> {
    await this.#pause(ANSWERED_MS);
    this.#tidying = undefined;
    const asked = [...this.#asked.values()];
    this.#asked.clear();
    for (const listener of asked) await this.#conntrack.forgetOwn(listener);
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => this.#parts.clock.after(ms, resolve));
  }

  async #reset(flows: readonly Flow[]): Promise<void> {
    const { reset } = this.#parts;
    for (const [i, { listener, client, seenAs, server, state }] of flows.entries()) {
      // A client that is still trying will try on, and so come to another server.
      if (state === "SYN_SENT") continue;
      this.#asked.set(formatHostPort(listener.address, listener.port), listener);
      await reset(listener, client);
      await reset(seenAs, server);
      if (i % BATCH === BATCH - 1) await new Promise((resolve) => setImmediate(resolve));
    }
  }

  #seen(flow: Flow, now: number): number {
    const key = keyOf(flow);
    const since = this.#since.get(key) ?? now;
    this.#since.set(key, since);
    return since;
  }

  #forgetAllBut(flows: readonly Flow[]): void {
    if (this.#since.size === flows.length) return;
    const present = new Set(flows.map(keyOf));
    for (const key of this.#since.keys()) if (!present.has(key)) this.#since.delete(key);
  }
}

/** As the workers tell of theirs. @param idleLimitSeconds how long the kernel remembers a silent connection */
export function sessionLine(flow: KernelFlow, now: number, idleLimitSeconds: number): SessionLine {
  const { id, service, listenerName, client, since, state, secondsLeft, serverName } = flow;
  const idleMs = state === "ESTABLISHED" ? Math.max(0, idleLimitSeconds - secondsLeft) * 1000 : 0;
  return {
    id,
    service,
    listener: listenerName,
    user: "",
    remote: client.address,
    // What was silent for longer than it has been seen was there before.
    connectedAt: Math.min(since, now - idleMs),
    idleMs,
    state: STATES[state] ?? "leaving",
    connections: [{ server: serverName, connectionId: undefined }],
    bufferedBytes: 0,
  };
}

// The words of proxy/passthrough/session.ts.
const STATES: Readonly<Record<string, string>> = {
  SYN_SENT: "dialling",
  SYN_RECV: "dialling",
  ESTABLISHED: "passing",
};

function ownerOf(flow: Flow, plans: readonly KernelPlan[]) {
  for (const { service, listeners, servers } of plans) {
    const listener = listeners.find((candidate) => isReached(candidate, flow));
    const serverName = servers.get(serverKey(flow.server.address, flow.server.port));
    if (listener !== undefined && serverName !== undefined)
      return { service, listenerName: listener.name, serverName };
  }
  return undefined;
}

function isReached({ address, port }: KernelListener, { listener }: Flow): boolean {
  if (port !== listener.port) return false;
  return (
    address === "::" ||
    address === listener.address ||
    (address === "0.0.0.0" && !listener.address.includes(":"))
  );
}

const groupOf = ({ listener, server }: Flow): string => `${listener.port} ${server.address} ${server.port}`;

const keyOf = ({ client, listener }: Flow): string =>
  `${client.address} ${client.port} ${listener.address} ${listener.port}`;
