import type { Probe } from "../probe/probe.ts";
import type { Clock } from "../telemetry/clock.ts";
import type { Log } from "../telemetry/log.ts";
import { type Endpoint, formatEndpoint } from "../topology/endpoint.ts";
import type { ServerSnapshot } from "../topology/fleet.ts";
import type { Observation } from "../topology/observation.ts";
import type { SourceAddress } from "../topology/replication-graph.ts";
import type { ServerState } from "../topology/state.ts";
import type { AdminState } from "../topology/verdict.ts";
import type { JudgeState, Overlay } from "../verdict/judge.ts";
import { fleetEvents, type MonitorEvent } from "./events.ts";
import type { FleetStore } from "./fleet-store.ts";
import { judgeFleet } from "./judge-fleet.ts";
import {
  INITIAL_STATE,
  type ModuleState,
  type MonitorModule,
  type ServerInput,
} from "./modules/monitor-module.ts";
import { ServerWatch, type WatchedServer } from "./server-watch.ts";

/** What a monitor watches, and how. Plain data but for the module and the probes it makes. */
export interface FleetPlan {
  readonly name: string;
  readonly members: readonly FleetMember[];
  /** Judges what the members said; the module with its options. */
  readonly judge: BoundModule;
}

export interface FleetMember {
  readonly watched: WatchedServer;
  readonly addresses: readonly SourceAddress[];
  readonly priority: number;
  /** Everything its watch depends on, as a text: an unchanged member keeps its watch and its connection. */
  readonly key: string;
  createProbe(): Probe;
}

export type BoundModule = (
  previous: ModuleState,
  inputs: readonly ServerInput[],
  now: number,
) => ReturnType<typeof judgeFleet>;

/** A module with its options fixed. */
export function bindModule<Options>(module: MonitorModule<Options>, options: Options): BoundModule {
  return (previous, inputs, now) => judgeFleet(module, previous, inputs, options, now);
}

/** What a monitor tells of besides the fleet snapshot. */
export interface FleetListener {
  onEvents(monitor: string, events: readonly MonitorEvent[]): void;
  onState(monitor: string, state: ModuleState): void;
  onJudged(monitor: string, inputs: readonly ServerInput[], states: ReadonlyMap<string, ServerState>): void;
}

export interface MonitorSurroundings {
  readonly store: FleetStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly listener: FleetListener;
  /** What takes a server out by hand, as it is now. */
  overlayOf(server: string): Overlay;
  /** Sessions that this program has on a server: a draining one is drained when there are none left. */
  openConnectionsOf(server: string): number;
}

/** What is known of a server at the moment, as JSON: for a monitor that goes on in another process. */
export interface ServerMemory {
  readonly endpoint: Endpoint;
  readonly judged: JudgeState;
  /** What its role was judged by. */
  readonly observation: Observation;
  readonly state: ServerState;
}

interface Member {
  readonly plan: FleetMember;
  readonly watch: ServerWatch;
  /** What counts for its role: the last probe, but for error 1040 while its verdict is kept. */
  observation: Observation | undefined;
  admin: AdminState;
}

// Without news the fleet is judged this often at the most, ms: lag and the like are not worth more.
const QUIET_JUDGE_MS = 500;

/**
 * Watches the servers of one monitor and gives them their roles:
 *
 *   ServerWatch of each ─ verdict ─▶ FleetMonitor ─ all observations ─▶ module ─▶ states ─▶ FleetStore
 *                                                                                   └──▶ events
 */
export class FleetMonitor {
  readonly #around: MonitorSurroundings;
  #plan: FleetPlan;
  #members = new Map<string, Member>();
  #states: ReadonlyMap<string, ServerState> = new Map();
  #moduleState: ModuleState;
  #isRunning = false;
  #judgedAt = Number.NEGATIVE_INFINITY;
  #cancelJudging: () => void = () => {};
  #primary: string | null = null;
  #diagnosis = "";
  #ticks = 0;

  /** @param memory what handOver() of this monitor has told, by server; one that is reached elsewhere by now is not believed */
  constructor(
    plan: FleetPlan,
    around: MonitorSurroundings,
    remembered: ModuleState | undefined,
    memory: Readonly<Record<string, ServerMemory>> = {},
  ) {
    this.#plan = plan;
    this.#around = around;
    this.#moduleState = remembered ?? INITIAL_STATE;
    const known = plan.members.flatMap(({ watched: { name, endpoint } }) => {
      const server = memory[name];
      const isSame = server !== undefined && formatEndpoint(server.endpoint) === formatEndpoint(endpoint);
      return isSame ? [[name, server] as const] : [];
    });
    const servers = new Map(known);
    this.#states = new Map(known.map(([name, { state }]) => [name, state]));
    for (const member of plan.members) this.#add(member, servers.get(member.watched.name));
  }

  get name(): string {
    return this.#plan.name;
  }

  get isRunning(): boolean {
    return this.#isRunning;
  }

  get primary(): string | undefined {
    return this.#primary ?? undefined;
  }

  get diagnosis(): string {
    return this.#diagnosis;
  }

  /** What each server is among the others, as judged last. */
  get states(): ReadonlyMap<string, ServerState> {
    return this.#states;
  }

  /** Names of the servers of this monitor that `server` replicates from, by the addresses its channels name. */
  sourcesOf(server: string): readonly string[] {
    const { observation } = this.#members.get(server) ?? {};
    if (observation?.reached !== true) return [];
    const { channels } = observation.facts;
    if (typeof channels === "string") return [];
    const isSource = ({ plan }: Member): boolean =>
      plan.addresses.some(({ host, port }) =>
        channels.some((c) => c.sourceHost === host && c.sourcePort === port),
      );
    return [...this.#members.values()].filter(isSource).map(({ plan }) => plan.watched.name);
  }

  /** Probes that have ended, of all servers. */
  get ticks(): number {
    return this.#ticks;
  }

  watch(server: string): ServerWatch | undefined {
    return this.#members.get(server)?.watch;
  }

  get watches(): readonly ServerWatch[] {
    return [...this.#members.values()].map(({ watch }) => watch);
  }

  start(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    // Each probes at once, and from then on in its own part of the interval.
    const members = [...this.#members.values()];
    for (const [i, { watch }] of members.entries()) watch.start(i / members.length);
    // What was remembered of all is a judgement already: it has only to be told.
    if (members.length > 0 && members.every(({ observation }) => observation !== undefined)) this.#judgeNow();
  }

  /** Stops watching; the states stay as they were until it starts again or is removed. */
  stop(): void {
    this.#isRunning = false;
    this.#cancelJudging();
    for (const { watch } of this.#members.values()) watch.stop();
    // A stopped watch does not start again: its place is taken by a fresh one.
    for (const { plan } of [...this.#members.values()]) this.#add(plan);
  }

  /** Stops, and takes the servers out of the snapshot. */
  remove(): void {
    this.stop();
    for (const server of this.#members.keys()) this.#around.store.remove(server);
  }

  /** Goes on with another plan of the same monitor; members that did not change keep their watches. */
  replan(plan: FleetPlan): void {
    this.#plan = plan;
    const kept = new Map<string, Member>();
    for (const member of plan.members) {
      const present = this.#members.get(member.watched.name);
      if (present?.plan.key === member.key) kept.set(member.watched.name, { ...present, plan: member });
    }
    for (const [name, { watch }] of this.#members) {
      if (kept.has(name)) continue;
      watch.stop();
      if (!plan.members.some((member) => member.watched.name === name)) this.#around.store.remove(name);
    }
    const before = this.#members;
    this.#members = new Map();
    for (const member of plan.members) {
      const present = kept.get(member.watched.name);
      if (present !== undefined)
        this.#members.set(
          member.watched.name,
          Object.assign(before.get(member.watched.name) ?? present, { plan: member }),
        );
      else this.#add(member);
    }
    if (!this.#isRunning) return;
    for (const [name, { watch }] of this.#members) if (!kept.has(name)) watch.start(0);
    this.#judgeNow();
  }

  /** Ends without a word: what it knows goes on in a successor. */
  handOver(): Readonly<Record<string, ServerMemory>> {
    const servers = [...this.#members].flatMap(([name, { plan, watch, observation }]) => {
      const state = this.#states.get(name);
      const { state: judged } = watch;
      if (state === undefined || observation === undefined || !judged.verdict.known) return [];
      return [[name, { endpoint: plan.watched.endpoint, judged, observation, state }] as const];
    });
    this.#isRunning = false;
    this.#cancelJudging();
    for (const { watch } of this.#members.values()) watch.stop();
    return Object.fromEntries(servers);
  }

  hint(): void {
    for (const { watch } of this.#members.values()) watch.hint();
  }

  /** The overlay of a server (maintenance, drain, off switch) has changed. */
  overlayChanged(server: string): void {
    const { admin, offSwitch } = this.#around.overlayOf(server);
    const watch = this.#members.get(server)?.watch;
    watch?.setOffSwitch(offSwitch);
    watch?.setAdmin(admin);
  }

  #add(plan: FleetMember, memory?: ServerMemory): void {
    const { clock, log } = this.#around;
    const { name } = plan.watched;
    const overlay = this.#around.overlayOf(name);
    const tell = (server: ServerSnapshot): void => this.#judged(server);
    const watch = new ServerWatch(
      plan.watched,
      plan.createProbe(),
      overlay,
      clock,
      log,
      tell,
      memory?.judged,
    );
    this.#members.set(name, { plan, watch, observation: memory?.observation, admin: overlay.admin });
  }

  #judged(server: ServerSnapshot): void {
    const member = this.#members.get(server.name);
    if (member === undefined) return;
    const { verdict, admin } = server;
    const before = member.observation;
    const isAdminNews = admin !== member.admin;
    const isNews = isAdminNews || verdict.observation !== before;
    if (verdict.observation !== before) this.#ticks += 1;
    if (!isKeptWhileBusy(verdict)) member.observation = verdict.observation;
    member.admin = admin;
    const publish = (): void => this.#around.store.put(server);
    if (isAdminNews || (isNews && changesRoles(before, member.observation))) {
      this.#judgeNow(publish);
      return;
    }
    publish();
    if (isNews) this.#judgeSoon();
  }

  #judgeSoon(): void {
    const { clock } = this.#around;
    const wait = this.#judgedAt + QUIET_JUDGE_MS - clock.monotonic();
    this.#cancelJudging();
    if (wait <= 0) this.#judgeNow();
    else this.#cancelJudging = clock.after(wait, () => this.#judgeNow());
  }

  /**
   * @param publish puts the verdict into the store that this judgement comes from. Nobody sees one without the other: a server
   *   that replicates again would for a moment be fit, and still the primary that it was taken for while it did not.
   */
  #judgeNow(publish: () => void = () => {}): void {
    this.#cancelJudging();
    const tell = this.#judge();
    publish();
    tell();
  }

  /** Gives everybody a role. @returns what tells of it */
  #judge(): () => void {
    const { clock, listener } = this.#around;
    this.#judgedAt = clock.monotonic();
    const inputs = [...this.#members.values()].map((member) => this.#inputOf(member));
    const judgement = this.#plan.judge(this.#moduleState, inputs, clock.now());
    const events = fleetEvents(this.#states, judgement.servers, clock.now());
    this.#states = judgement.servers;
    this.#primary = judgement.primary;
    this.#diagnosis = judgement.diagnosis;
    const isNew = JSON.stringify(judgement.state) !== JSON.stringify(this.#moduleState);
    this.#moduleState = judgement.state;
    return () => {
      listener.onJudged(this.name, inputs, this.#states);
      if (isNew) listener.onState(this.name, judgement.state);
      if (events.length > 0) listener.onEvents(this.name, events);
    };
  }

  #inputOf({ plan, observation, admin }: Member): ServerInput {
    const { name } = plan.watched;
    return {
      name,
      addresses: plan.addresses,
      observation,
      admin,
      openConnections: this.#around.openConnectionsOf(name),
      priority: plan.priority,
      serverId: undefined,
    };
  }
}

/** Within busy_grace a full server keeps its verdict, and so its role. */
function isKeptWhileBusy({ up, observation }: ServerSnapshot["verdict"]): boolean {
  return up && observation?.reached === false && observation.failure.code === "PROBE_TOO_MANY_CONNECTIONS";
}

/** Whether anything in an observation is new that a role may depend on: all but time, lag and positions. */
function changesRoles(before: Observation | undefined, after: Observation | undefined): boolean {
  return signature(before) !== signature(after);
}

function signature(observation: Observation | undefined): string {
  if (observation === undefined) return "";
  if (!observation.reached) return observation.failure.code;
  const { serverId, readOnly, galera, channels } = observation.facts;
  const links =
    typeof channels === "string"
      ? channels
      : channels.map(({ lagSeconds: _lag, gtidIoPos: _pos, ...link }) => link);
  const node = galera && { ...galera, recvQueue: 0, flowControlPaused: 0 };
  return JSON.stringify([serverId, readOnly, node, links]);
}
