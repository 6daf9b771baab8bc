import { SluiceError } from "../../errors/sluice-error.ts";
import type { ThreadInfo } from "../control.ts";
import { found, type Route } from "../http/route.ts";
import type { Resource, ResourceFactory } from "../json-api/document.ts";

export const THREAD_ROUTES: readonly Route[] = [
  {
    method: "GET",
    path: "/v1/maxscale/threads",
    summary: "The processes: 0 is in control, the others carry connections.",
    access: "read",
    answer: "document",
    handle: ({ make }, { control }) =>
      found({
        data: control.threads().map((thread) => threadResource(thread, make)),
        links: { self: make.link("maxscale/threads") },
      }),
  },
  {
    method: "GET",
    path: "/v1/maxscale/threads/:name",
    summary: "One process.",
    access: "read",
    answer: "document",
    handle: ({ params, make }, { control }) => {
      const thread = control.threads().find(({ id }) => String(id) === params["name"]);
      if (thread === undefined) throw new SluiceError("NOT_FOUND", `there is no thread ${params["name"]}`);
      const data = threadResource(thread, make);
      return found({ data, links: data.links });
    },
  },
];

/** What MaxScale counts of its event loops is 0 here. */
const NO_EVENT_LOOP = {
  accepts: 0,
  reads: 0,
  writes: 0,
  hangups: 0,
  errors: 0,
  avg_event_queue_length: 0,
  max_event_queue_length: 0,
  max_exec_time: 0,
  max_queue_time: 0,
  query_classifier_cache: { size: 0, inserts: 0, hits: 0, misses: 0, evictions: 0 },
};

function threadResource(thread: ThreadInfo, make: ResourceFactory): Resource {
  const { id, pid, state, sessions, descriptors, load, memoryBytes } = thread;
  const percent = (share: number): number => Math.round(share * 100);
  const stats = {
    ...NO_EVENT_LOOP,
    pid,
    state,
    sessions,
    current_descriptors: descriptors.current,
    total_descriptors: descriptors.total,
    load: {
      last_second: percent(load.lastSecond),
      last_minute: percent(load.lastMinute),
      last_hour: percent(load.lastHour),
    },
    memory: { total: memoryBytes },
  };
  return make.resource(`maxscale/threads/${id}`, "threads", { stats });
}
