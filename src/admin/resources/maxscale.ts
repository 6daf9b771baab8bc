import {
  arch,
  availableParallelism,
  cpus,
  freemem,
  hostname,
  release,
  totalmem,
  type,
  version,
} from "node:os";
import type { Edit } from "../../config/edit-sections.ts";
import type { Control } from "../control.ts";
import { type AdminContext, type Answer, DONE, type Exchange, found, type Route } from "../http/route.ts";
import { OBJECT_BODY, parseBody } from "../json-api/body.ts";
import { dateString } from "../json-api/document.ts";
import { changedParameters, parametersDocument } from "../json-api/parameters.ts";

/** The daemon as a whole, under MaxScale's name for it. */
export const MAXSCALE_ROUTES: readonly Route[] = [
  {
    method: "GET",
    path: "/v1/maxscale",
    summary: "The daemon: version, uptime, parameters.",
    access: "read",
    answer: "document",
    handle: ({ make }, { control, clock }) => {
      const data = make.resource("maxscale", "maxscale", attributesOf(control, clock.now()));
      return found({ data, links: data.links });
    },
  },
  {
    method: "PATCH",
    path: "/v1/maxscale",
    summary: "Changes parameters of the daemon that can be changed while it runs.",
    access: "write",
    body: OBJECT_BODY,
    answer: "nothing",
    handle: changeDaemon,
  },
  {
    method: "POST",
    path: "/v1/maxscale/reload",
    summary: "Reads the configuration files again; `meta.changes` has a line for each difference.",
    access: "write",
    answer: "document",
    handle: async ({ make }, { control }) =>
      found({ meta: { changes: await control.reload() }, links: { self: make.link("maxscale/reload") } }),
  },
  {
    method: "POST",
    path: "/v1/maxscale/upgrade",
    summary:
      "Gives way to the executable that is installed now; `attributes.upgrade` of the daemon tells how it ended.",
    access: "command",
    answer: "document",
    handle: async ({ make }, { control }) =>
      found({ meta: { upgrade: await control.upgrade() }, links: { self: make.link("maxscale/upgrade") } }),
  },
  {
    method: "POST",
    path: "/v1/maxscale/tls/reload",
    summary: "Reads key and certificates of the admin API again, and ends every token.",
    access: "write",
    answer: "nothing",
    handle: (_exchange, { reloadTls, tokens }) => {
      reloadTls();
      tokens.renewKey();
      return DONE;
    },
  },
];

/** PATCH of the daemon: also MaxScale's older way through its logs. */
export async function changeDaemon({ body }: Exchange, { control }: AdminContext): Promise<Answer> {
  const { attributes } = parseBody(OBJECT_BODY, body).data;
  const { sluice } = control.configuration();
  const parameters = changedParameters(sluice, attributes?.parameters ?? {});
  const edit: Edit = { action: "alter", kind: "sluice", name: sluice.name, parameters };
  if (parameters.size > 0) await control.apply([edit]);
  return DONE;
}

function attributesOf(control: Control, now: number): Readonly<Record<string, unknown>> {
  const { program } = control;
  const { sluice } = control.configuration();
  const started = dateString(program.startedAt);
  return {
    version: program.version,
    commit: program.commit,
    product: "sluice",
    started_at: started,
    activated_at: started,
    upgrade: control.lastUpgrade ?? null,
    uptime: Math.max(0, Math.floor((now - program.startedAt) / 1000)),
    parameters: parametersDocument(sluice),
    process_datadir: sluice.parameters.datadir,
    config_sync: null,
    system: {
      machine: {
        cores_available: availableParallelism(),
        cores_physical: cpus().length,
        cores_virtual: availableParallelism(),
        memory_available: freemem(),
        memory_physical: totalmem(),
      },
      maxscale: { threads: control.threads().length, query_classifier_cache_size: 0 },
      os: {
        machine: arch(),
        nodename: hostname(),
        release: release(),
        sysname: type(),
        version: version(),
      },
    },
  };
}
