import type { DatabaseServer } from "../lab/database-server.ts";
import type { Host } from "../lab/host.ts";

export const FLEET_PASSWORD = "Kept out of argv 1!";

/** The account that the monitor of fleetSettings() logs in with, for the primary. */
export const MONITOR_ACCOUNT = `
CREATE USER monitor@'%' IDENTIFIED BY '${FLEET_PASSWORD}';
GRANT REPLICATION CLIENT, SLAVE MONITOR, REPLICA MONITOR ON *.* TO monitor@'%';
`;

export interface FleetSettings {
  readonly isGalera?: boolean;
  readonly workers?: number;
  /** Further lines of every server's section. */
  readonly server?: string;
  /** Further lines of the monitor's section. */
  readonly monitor?: string;
  /**
   * How long a server may take over an answer to the monitor, ms; past it, it is down. Default 400, for tests of servers that hang;
   * others are patient with a machine that is held up.
   */
  readonly checkTimeoutMs?: number;
}

/** What every configuration of a fleet begins with: [sluice], its servers by the names of their hosts, and the monitor `fleet`. */
export function fleetSettings(
  proxy: Host,
  servers: readonly DatabaseServer[],
  { isGalera = false, workers = 2, server = "", monitor = "", checkTimeoutMs = 400 }: FleetSettings = {},
): string {
  const sections = servers.map(
    ({ host, address, port }) => `[${host.name}]\ntype=server\naddress=${address}\nport=${port}\n${server}\n`,
  );
  return `[sluice]
threads=${workers}
users_refresh_time=0s
datadir=${proxy.folder}/data
persistdir=${proxy.folder}/data/sluice.cnf.d

${sections.join("\n")}
[fleet]
type=monitor
module=${isGalera ? "galeramon" : "mariadbmon"}
servers=${servers.map(({ host }) => host.name).join(",")}
user=monitor
password=${FLEET_PASSWORD}
monitor_interval=200ms
check_timeout=${checkTimeoutMs}ms
${isGalera ? "" : "failcount=2\n"}${monitor}
`;
}

/** The section of a monitor of one server that is patient with a machine that is held up. */
export const patientMonitor = (name: string, server: string, password: string): string => `[${name}]
type=monitor
module=mariadbmon
servers=${server}
user=monitor
password=${password}
monitor_interval=500ms
check_timeout=10s
`;
