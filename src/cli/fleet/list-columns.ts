import type { Collection } from "../../client/rest/collections.ts";
import { type Column, linked } from "./columns.ts";

type Columns = { readonly [C in Collection]: readonly Column<C>[] };

/** maxctrl's columns; publishers are ours. */
export const LIST_COLUMNS: Columns = {
  servers: [
    { title: "Server", value: ({ id }) => id },
    {
      title: "Address",
      value: ({ attributes: { parameters } }) => parameters?.["address"] ?? parameters?.["socket"],
    },
    {
      title: "Port",
      value: ({ attributes: { parameters } }) => (parameters?.["address"] ? parameters["port"] : undefined),
    },
    { title: "Connections", value: ({ attributes }) => attributes.statistics?.connections ?? 0 },
    { title: "State", value: ({ attributes }) => attributes.state },
    { title: "GTID", value: ({ attributes }) => attributes.gtid_current_pos },
    { title: "Monitor", value: linked("monitors") },
  ],
  services: [
    { title: "Service", value: ({ id }) => id },
    { title: "Router", value: ({ attributes }) => attributes.router },
    { title: "Connections", value: ({ attributes }) => attributes.statistics?.connections ?? 0 },
    { title: "Total Connections", value: ({ attributes }) => attributes.statistics?.total_connections ?? 0 },
    { title: "Targets", value: linked("servers", "services") },
  ],
  monitors: [
    { title: "Monitor", value: ({ id }) => id },
    { title: "State", value: ({ attributes }) => attributes.state },
    { title: "Servers", value: linked("servers") },
  ],
  listeners: [
    { title: "Name", value: ({ id }) => id },
    { title: "Port", value: ({ attributes: { parameters } }) => parameters?.["port"] },
    {
      title: "Host",
      value: ({ attributes: { parameters } }) => parameters?.["socket"] ?? parameters?.["address"],
    },
    { title: "State", value: ({ attributes }) => attributes.state },
    { title: "Service", value: linked("services") },
    {
      title: "Certificate until",
      value: ({ attributes }) => attributes.certificates?.[0]?.expires.slice(0, 10),
    },
  ],
  publishers: [
    { title: "Publisher", value: ({ id }) => id },
    { title: "Module", value: ({ attributes }) => attributes.module },
    { title: "State", value: ({ attributes }) => attributes.state },
    { title: "Of", value: linked("servers", "services", "monitors") },
    { title: "Tells", value: ({ attributes }) => attributes.tells ?? attributes.state_details },
  ],
  filters: [
    { title: "Filter", value: ({ id }) => id },
    { title: "Service", value: linked("services") },
    { title: "Module", value: ({ attributes }) => attributes.module },
  ],
  sessions: [
    { title: "Id", value: ({ id }) => id },
    { title: "User", value: ({ attributes }) => attributes.user },
    { title: "Host", value: ({ attributes }) => attributes.remote },
    { title: "Connected", value: ({ attributes }) => attributes.connected },
    { title: "Idle", value: ({ attributes }) => attributes.idle },
    { title: "Service", value: linked("services") },
    { title: "Memory", value: ({ attributes }) => attributes.memory?.total },
    { title: "I/O-Activity", value: ({ attributes }) => attributes.io_activity },
  ],
  users: [
    { title: "Name", value: ({ id }) => id },
    { title: "Type", value: ({ type }) => type },
    { title: "Privileges", value: ({ attributes }) => attributes.account },
    { title: "Created", value: ({ attributes }) => attributes.created },
    { title: "Last Updated", value: ({ attributes }) => attributes.last_update },
    { title: "Last Login", value: ({ attributes }) => attributes.last_login },
  ],
  modules: [
    { title: "Module", value: ({ id }) => id },
    { title: "Type", value: ({ attributes }) => attributes.module_type },
    { title: "Version", value: ({ attributes }) => attributes.version },
  ],
  threads: [
    { title: "Id", value: ({ id }) => id },
    { title: "Current FDs", value: ({ attributes }) => attributes.stats?.current_descriptors },
    { title: "Total FDs", value: ({ attributes }) => attributes.stats?.total_descriptors },
    { title: "Load (1s)", value: ({ attributes }) => attributes.stats?.load?.last_second },
    { title: "Load (1m)", value: ({ attributes }) => attributes.stats?.load?.last_minute },
    { title: "Load (1h)", value: ({ attributes }) => attributes.stats?.load?.last_hour },
  ],
};
