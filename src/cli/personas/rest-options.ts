import { type Fleet, openFleet, processSurroundings } from "../fleet/fleet.ts";
import { FLEET_OPTIONS, type FleetOptions } from "../fleet/fleet-options.ts";

const { hosts, user, config, secure } = FLEET_OPTIONS;

/** Where the REST API is and who asks, for programs that nobody watches. */
export const REST_OPTIONS = {
  hosts,
  user,
  "password-file": FLEET_OPTIONS["password-file"],
  "token-file": FLEET_OPTIONS["token-file"],
  config,
  secure,
  "tls-ca-cert": FLEET_OPTIONS["tls-ca-cert"],
  "tls-cert": FLEET_OPTIONS["tls-cert"],
  "tls-key": FLEET_OPTIONS["tls-key"],
  "tls-verify-server-cert": FLEET_OPTIONS["tls-verify-server-cert"],
} as const;

/** The daemons that the options name. Nobody is asked for a password, also where there is a terminal. */
export function openRest(values: Partial<FleetOptions>, timeoutMs: number): Fleet["daemons"] {
  const surroundings = { ...processSurroundings(), ask: async () => undefined };
  return openFleet({ ...values, timeout: timeoutMs } as FleetOptions, surroundings).daemons;
}
