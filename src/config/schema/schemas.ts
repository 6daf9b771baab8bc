import { own } from "../own.ts";
import type { ParameterSet } from "../parameter.ts";
import { LISTENER } from "./listener.ts";
import { MONITOR } from "./monitor.ts";
import type { ObjectSchema } from "./object-schema.ts";
import { PUBLISHER } from "./publisher.ts";
import { SERVER } from "./server.ts";
import { SERVICE } from "./service.ts";
import { SLUICE } from "./sluice.ts";

/** Every object type, by the word that stands in `type=`. */
export const SCHEMAS = {
  sluice: SLUICE,
  server: SERVER,
  monitor: MONITOR,
  service: SERVICE,
  listener: LISTENER,
  publisher: PUBLISHER,
} as const satisfies Record<string, ObjectSchema>;

export type ObjectKind = keyof typeof SCHEMAS;

/** The types that a section may name; [sluice] names none. */
export const SECTION_KINDS = ["server", "monitor", "service", "listener", "publisher"] as const;
export type SectionKind = (typeof SECTION_KINDS)[number];

/** By its present name, or one that MaxScale once had for it. */
export function isSecret(kind: ObjectKind, name: string): boolean {
  const { common, modules, renamed }: ObjectSchema = SCHEMAS[kind];
  const present = own(renamed, name) ?? name;
  const sets: readonly ParameterSet[] = [common, ...Object.values(modules)];
  return sets.some((set) => own(set, present)?.secret === true);
}

/** Filter modules of MaxScale, refused by name wherever they stand. */
export const FILTER_MODULES: ReadonlySet<string> = new Set([
  "binlogfilter",
  "cache",
  "ccrfilter",
  "comment",
  "dbfwfilter",
  "hintfilter",
  "insertstream",
  "ldi",
  "luafilter",
  "mask",
  "masking",
  "maxrows",
  "namedserverfilter",
  "optimistictrx",
  "psreuse",
  "qlafilter",
  "regexfilter",
  "rewritefilter",
  "tee",
  "throttlefilter",
  "topfilter",
  "tpmfilter",
  "wcar",
]);
