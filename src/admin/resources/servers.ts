import type { Configuration, ServerObject } from "../../config/configuration.ts";
import { SluiceError } from "../../errors/sluice-error.ts";
import type { ReplicaChannel, ServerFacts } from "../../topology/facts.ts";
import type { Control, ServerStatus } from "../control.ts";
import { serverLinkEdits } from "../edits/link-server.ts";
import { monitorsOf, servicesOf } from "../edits/relations.ts";
import { DONE, type Query, type Route } from "../http/route.ts";
import { linksOf } from "../json-api/body.ts";
import { dateString } from "../json-api/document.ts";
import { newParameters, parametersDocument } from "../json-api/parameters.ts";
import { certificatesOf } from "./certificates.ts";
import { type ObjectType, objectRoutes, pick, sourceOf } from "./object-type.ts";

const SERVERS: ObjectType<ServerObject> = {
  type: "servers",
  kind: "server",
  linkedTo: ["services", "monitors"],
  objects: (configuration) => configuration.servers,
  resource: (server, control, make) => {
    const configuration = control.configuration();
    const attributes = {
      ...serverState(server, control),
      parameters: parametersDocument(server),
      source: sourceOf(server),
    };
    return make.resource(`servers/${encodeURIComponent(server.name)}`, "servers", attributes, {
      services: servicesOf(configuration, server.name),
      monitors: monitorsOf(configuration, server.name),
    });
  },
  create: (configuration, name, body) => [
    {
      action: "create",
      kind: "server",
      name,
      parameters: newParameters("server", body.data.attributes?.parameters ?? {}),
    },
    ...serverLinkEdits(configuration, name, linksOf(body)),
  ],
  relink: (configuration, { name }, links) => serverLinkEdits(configuration, name, links),
};

export const SERVER_ROUTES: readonly Route[] = [
  ...objectRoutes(SERVERS),
  stateRoute("set", "Takes a server out of service.", (state) => state),
  stateRoute("clear", "Puts a server back into service.", () => "none"),
];

type SettableState = "drain" | "maintenance";

function stateRoute(
  action: "set" | "clear",
  summary: string,
  next: (state: SettableState) => SettableState | "none",
): Route {
  return {
    method: "PUT",
    path: `/v1/servers/:name/${action}`,
    summary,
    access: "write",
    query: { state: "maintenance, or drain", force: "yes: even if it is the primary" },
    answer: "nothing",
    handle: async (exchange, { control }) => {
      const { name } = pick(SERVERS, exchange, control);
      await control.setServerState(name, next(stateIn(exchange.query)), exchange.query.isSet("force"));
      return DONE;
    },
  };
}

/** MaxScale knows `draining` and `drained` for drain as well. */
function stateIn(query: Query): SettableState {
  const text = (query.get("state") ?? "").toLowerCase();
  if (text === "maintenance") return "maintenance";
  if (["drain", "draining", "drained"].includes(text)) return "drain";
  const message = `state: found ${text || "nothing"}; expected maintenance or drain (monitors find out the rest)`;
  throw new SluiceError("REQUEST_INVALID", message);
}

function serverState({ name }: ServerObject, control: Control): Readonly<Record<string, unknown>> {
  const status = control.servers().get(name);
  const facts = status?.facts;
  return {
    state: status?.state ?? "Down",
    // MaxScale's client prints it behind the state, where a sentence of ours would break the table.
    state_details: null,
    details: status?.details ?? null,
    ...verdictOf(status),
    last_event: status?.lastEvent?.name ?? null,
    triggered_at: dateString(status?.lastEvent?.time),
    version_string: facts?.version ?? null,
    uptime: facts?.uptimeSeconds ?? 0,
    node_id: facts?.serverId ?? -1,
    master_id: channelsOf(facts)[0]?.sourceServerId ?? -1,
    slaves: replicaIdsOf(facts, control),
    replication_lag: status?.lagSeconds ?? -1,
    ...replicationState(name, control),
    certificates: certificatesOf(control, "server", name),
    statistics: statisticsOf(status),
  };
}

/** What monitors know of a server's replication: in a server's attributes and in a monitor's diagnostics. */
export function replicationState(name: string, control: Control): Readonly<Record<string, unknown>> {
  const facts = control.servers().get(name)?.facts;
  return {
    gtid_current_pos: facts?.gtid.currentPos ?? facts?.gtid.executed ?? null,
    gtid_binlog_pos: facts?.gtid.binlogPos ?? null,
    read_only: facts?.readOnly.readOnly ?? null,
    lock_held: null,
    master_group: null,
    slave_connections: channelsOf(facts).map((channel) => connectionOf(channel, control)),
  };
}

function verdictOf(status: ServerStatus | undefined): Readonly<Record<string, unknown>> {
  if (status === undefined) return { verdict: null };
  const { up, code, sentence, role, draining, since } = status.verdict;
  return { verdict: { up, code, sentence, role, draining, since: new Date(since).toISOString() } };
}

function connectionOf(channel: ReplicaChannel, control: Control): Readonly<Record<string, unknown>> {
  return {
    connection_name: channel.name,
    master_host: channel.sourceHost,
    master_port: channel.sourcePort,
    master_server_id: channel.sourceServerId ?? -1,
    master_server_name: sourceName(channel, control.configuration()),
    slave_io_running: channel.ioRunning,
    slave_sql_running: channel.sqlRunning,
    seconds_behind_master: channel.lagSeconds ?? null,
    last_io_error: channel.ioError?.message ?? "",
    last_sql_error: channel.sqlError?.message ?? "",
    using_gtid: channel.usingGtid ?? "",
    gtid_io_pos: channel.gtidIoPos ?? "",
  };
}

function sourceName({ sourceHost, sourcePort }: ReplicaChannel, { servers }: Configuration): string | null {
  const isMeant = ({ parameters: { address, private_address, port } }: ServerObject): boolean =>
    port === sourcePort && (address === sourceHost || private_address === sourceHost);
  return [...servers.values()].find(isMeant)?.name ?? null;
}

function replicaIdsOf(facts: ServerFacts | undefined, control: Control): readonly number[] {
  const id = facts?.serverId;
  if (id === undefined) return [];
  return [...control.servers().values()].flatMap(({ facts: other }) => {
    const replicates = channelsOf(other).some((channel) => channel.sourceServerId === id);
    return replicates && other?.serverId !== undefined ? [other.serverId] : [];
  });
}

function channelsOf(facts: ServerFacts | undefined): readonly ReplicaChannel[] {
  return facts === undefined || typeof facts.channels === "string" ? [] : facts.channels;
}

function statisticsOf(status: ServerStatus | undefined): Readonly<Record<string, unknown>> {
  const { current = 0, total = 0, max = 0 } = status?.connections ?? {};
  return {
    connections: current,
    total_connections: total,
    max_connections: max,
    active_operations: 0,
    persistent_connections: 0,
    reused_connections: 0,
    connection_pool_empty: 0,
    routed_packets: 0,
  };
}
