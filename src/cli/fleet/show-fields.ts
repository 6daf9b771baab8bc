import type { Collection } from "../../client/rest/collections.ts";
import { type Column, linked } from "./columns.ts";
import { LIST_COLUMNS } from "./list-columns.ts";

type Shown = { readonly [C in Collection]: readonly Column<C>[] };

/** The lines of a sheet; maxctrl's, and ours behind them. */
export const SHOW_FIELDS: Shown = {
  servers: [
    { title: "Server", value: ({ id }) => id },
    { title: "Source", value: ({ attributes }) => attributes.source?.file },
    {
      title: "Address",
      value: ({ attributes: { parameters } }) => parameters?.["address"] ?? parameters?.["socket"],
    },
    { title: "Port", value: ({ attributes: { parameters } }) => parameters?.["port"] },
    { title: "State", value: ({ attributes }) => attributes.state },
    { title: "Details", value: ({ attributes }) => attributes.details },
    { title: "Reason", value: ({ attributes }) => attributes.verdict?.sentence },
    { title: "Version", value: ({ attributes }) => attributes.version_string },
    { title: "Uptime", value: ({ attributes }) => attributes.uptime },
    { title: "Last Event", value: ({ attributes }) => attributes.last_event },
    { title: "Triggered At", value: ({ attributes }) => attributes.triggered_at },
    { title: "Services", value: linked("services") },
    { title: "Monitors", value: linked("monitors") },
    { title: "Master ID", value: ({ attributes }) => known(attributes.master_id) },
    { title: "Node ID", value: ({ attributes }) => known(attributes.node_id) },
    { title: "Lag (s)", value: ({ attributes }) => known(attributes.replication_lag) },
    { title: "Current Connections", value: ({ attributes }) => attributes.statistics?.connections },
    { title: "Total Connections", value: ({ attributes }) => attributes.statistics?.total_connections },
    { title: "Max Connections", value: ({ attributes }) => attributes.statistics?.max_connections },
    { title: "Replication", value: ({ attributes }) => attributes.slave_connections },
    { title: "Certificates", value: ({ attributes }) => attributes.certificates },
    { title: "Parameters", value: ({ attributes }) => given(attributes.parameters) },
  ],
  services: [
    { title: "Service", value: ({ id }) => id },
    { title: "Source", value: ({ attributes }) => attributes.source?.file },
    { title: "Router", value: ({ attributes }) => attributes.router },
    { title: "State", value: ({ attributes }) => attributes.state },
    { title: "Started At", value: ({ attributes }) => attributes.started },
    { title: "Users Loaded", value: ({ attributes }) => attributes.users_last_update },
    { title: "Current Connections", value: ({ attributes }) => attributes.statistics?.connections },
    { title: "Total Connections", value: ({ attributes }) => attributes.statistics?.total_connections },
    { title: "Max Connections", value: ({ attributes }) => attributes.statistics?.max_connections },
    { title: "Cluster", value: linked("monitors") },
    { title: "Servers", value: linked("servers") },
    { title: "Services", value: linked("services") },
    { title: "Listeners", value: linked("listeners") },
    { title: "Parameters", value: ({ attributes }) => given(attributes.parameters) },
    { title: "Router Diagnostics", value: ({ attributes }) => attributes.router_diagnostics },
  ],
  monitors: [
    { title: "Monitor", value: ({ id }) => id },
    { title: "Source", value: ({ attributes }) => attributes.source?.file },
    { title: "Module", value: ({ attributes }) => attributes.module },
    { title: "State", value: ({ attributes }) => attributes.state },
    { title: "Diagnosis", value: ({ attributes }) => attributes.monitor_diagnostics?.diagnosis },
    { title: "Servers", value: linked("servers") },
    { title: "Services", value: linked("services") },
    { title: "Parameters", value: ({ attributes }) => given(attributes.parameters) },
    { title: "Monitor Diagnostics", value: ({ attributes }) => attributes.monitor_diagnostics },
  ],
  listeners: [
    { title: "Name", value: ({ id }) => id },
    { title: "Source", value: ({ attributes }) => attributes.source?.file },
    { title: "Service", value: linked("services") },
    { title: "State", value: ({ attributes }) => attributes.state },
    { title: "Details", value: ({ attributes }) => attributes.state_details },
    { title: "Certificates", value: ({ attributes }) => attributes.certificates },
    { title: "Parameters", value: ({ attributes }) => given(attributes.parameters) },
  ],
  publishers: [
    { title: "Publisher", value: ({ id }) => id },
    { title: "Source", value: ({ attributes }) => attributes.source?.file },
    { title: "Module", value: ({ attributes }) => attributes.module },
    { title: "State", value: ({ attributes }) => attributes.state },
    { title: "Details", value: ({ attributes }) => attributes.state_details },
    { title: "Of", value: linked("servers", "services", "monitors") },
    { title: "Tells", value: ({ attributes }) => attributes.tells },
    { title: "Parameters", value: ({ attributes }) => given(attributes.parameters) },
  ],
  filters: LIST_COLUMNS.filters,
  sessions: [
    { title: "Id", value: ({ id }) => id },
    { title: "Service", value: linked("services") },
    { title: "State", value: ({ attributes }) => attributes.state },
    { title: "User", value: ({ attributes }) => attributes.user },
    { title: "Host", value: ({ attributes }) => attributes.remote },
    { title: "Database", value: ({ attributes }) => attributes.database },
    { title: "Connected", value: ({ attributes }) => attributes.connected },
    { title: "Idle", value: ({ attributes }) => attributes.idle },
    { title: "Memory", value: ({ attributes }) => attributes.memory?.total },
    {
      title: "Connections",
      value: ({ attributes }) => attributes.connections?.map(({ server }) => server ?? ""),
    },
    {
      title: "Connection IDs",
      value: ({ attributes }) => attributes.connections?.map((connection) => connection.connection_id ?? ""),
    },
  ],
  users: LIST_COLUMNS.users,
  modules: [
    ...LIST_COLUMNS.modules,
    { title: "Description", value: ({ attributes }) => attributes.description },
    { title: "Parameters", value: ({ attributes }) => attributes.parameters },
    { title: "Commands", value: ({ attributes }) => attributes.commands },
  ],
  threads: [...LIST_COLUMNS.threads, { title: "Statistics", value: ({ attributes }) => attributes.stats }],
};

/** MaxScale prints -1 for what it does not know. */
const known = (value: number | null | undefined): number | undefined =>
  value === -1 ? undefined : (value ?? undefined);

/** Parameters that have a value. */
export function given(parameters: Readonly<Record<string, unknown>> | null | undefined): object {
  return Object.fromEntries(Object.entries(parameters ?? {}).filter(([, value]) => value !== null));
}
