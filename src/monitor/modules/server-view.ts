import { replicaLinks } from "../../topology/replica-link.ts";
import type { ModuleState, ServerInput, ServerMemory, ServerView } from "./monitor-module.ts";

/** Each server with what it says now and what is remembered of it. */
export function viewServers(inputs: readonly ServerInput[], previous: ModuleState): readonly ServerView[] {
  const before = new Map(previous.servers.map((memory) => [memory.name, memory]));
  return inputs.map((input) => {
    const facts = input.observation?.reached === true ? input.observation.facts : undefined;
    return { name: input.name, input, facts, memory: remember(input, before.get(input.name)) };
  });
}

function remember(input: ServerInput, before: ServerMemory | undefined): ServerMemory {
  const { name, observation } = input;
  const kept = {
    name,
    serverId: before?.serverId ?? input.serverId ?? null,
    links: before?.links ?? null,
    downSince: before?.downSince ?? null,
  };
  if (observation === undefined) return kept;
  if (!observation.reached) return { ...kept, downSince: kept.downSince ?? observation.at };
  const { channels, serverId } = observation.facts;
  const isTold = channels !== "denied" && channels !== "not-asked";
  return {
    name,
    serverId: serverId ?? kept.serverId,
    links: isTold ? replicaLinks(channels, kept.links ?? []) : kept.links,
    downSince: null,
  };
}

/** None of its read-only switches is on, as far as is known. */
export function isWritable(view: ServerView): boolean {
  return view.facts !== undefined && !isReadOnly(view.facts.readOnly);
}

export function isReadOnly(state: {
  readonly readOnly: boolean;
  readonly superReadOnly: boolean;
  readonly innodbReadOnly: boolean;
}): boolean {
  return state.readOnly || state.superReadOnly || state.innodbReadOnly;
}
