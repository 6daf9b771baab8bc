// A service that splits, as it is run: sluice on a host of its own, a primary with two replicas or three Galera nodes behind it.
import { type Connection, type ConnectionConfig, createConnection } from "mariadb";
import { eventually } from "../eventually.ts";
import type { Certificate } from "../lab/certificates.ts";
import type { DatabaseServer, ServerOptions } from "../lab/database-server.ts";
import { type Galera, startGalera } from "../lab/galera.ts";
import type { Host } from "../lab/host.ts";
import type { Lab } from "../lab/lab.ts";
import type { Process } from "../lab/process.ts";
import { type Replication, startReplication } from "../lab/replication.ts";
import { runSluice, startSluice } from "../lab/sluice.ts";
import { FLEET_PASSWORD, type FleetSettings, fleetSettings, MONITOR_ACCOUNT } from "./fleet-settings.ts";

export interface FleetService {
  readonly name: string;
  readonly port: number;
  /** Further lines of its section. */
  readonly more?: string;
  /** Its listener speaks TLS only. */
  readonly hasTls?: boolean;
  /** A port where it is reached by TLS only, beside the other. */
  readonly tlsPort?: number;
  /** The path of a Unix socket on which it listens as well. */
  readonly socket?: string;
}

export interface SplitFleetSettings extends FleetSettings {
  readonly services: readonly FleetService[];
  /** Options of every database server. */
  readonly options?: ServerOptions;
  /** Executed on the primary once the accounts are there. */
  readonly sql?: string;
}

export interface SplitFleet {
  readonly servers: readonly DatabaseServer[];
  readonly replication: Replication | undefined;
  readonly galera: Galera | undefined;
  readonly proxy: Host;
  readonly sluice: Process;
  readonly certificate: Certificate;
  /** Every server has all that has been committed by now. */
  caughtUp(): Promise<void>;
  client(port: number, more?: ConnectionConfig): Promise<Connection>;
}

/** Accounts monitor, service, app (everything in database app and on others it makes) and admin, all with FLEET_PASSWORD. */
export async function startSplitFleet(lab: Lab, settings: SplitFleetSettings): Promise<SplitFleet> {
  const { options = {}, isGalera = false } = settings;
  const database = { hasTls: true, options };
  const galera = isGalera ? await startGalera(lab, { options }) : undefined;
  const replication = isGalera ? undefined : await startReplication(lab, database);
  const servers: readonly DatabaseServer[] = galera?.nodes ?? replication?.servers ?? [];
  const [primary] = servers;
  if (primary === undefined) throw new Error("there is no server");
  await primary.sql(ACCOUNTS + (settings.sql ?? ""));
  const caughtUp = async (): Promise<void> => {
    for (const replica of replication?.replicas ?? []) await replication?.untilCaughtUp(replica);
    await galera?.untilCaughtUp();
  };
  await caughtUp();
  const proxy = await lab.host("proxy");
  const certificate = await lab.certificate("proxy", { names: ["proxy", proxy.address] });
  proxy.write("/etc/sluice.cnf", configuration(settings, servers, proxy, certificate), 0o600);
  const sluice = await startSluice(proxy, ["run", "--config", proxy.path("/etc/sluice.cnf")], {
    ports: settings.services.flatMap(({ port, tlsPort = [] }) => [port, ...[tlsPort].flat()]),
  });
  await untilUsed(proxy, servers.length);
  const client = async (port: number, more: ConnectionConfig = {}): Promise<Connection> => {
    const connection = await createConnection({
      host: proxy.address,
      port,
      user: "app",
      password: FLEET_PASSWORD,
      database: "app",
      connectTimeout: 10_000,
      bigIntAsNumber: true,
      insertIdAsNumber: true,
      ...more,
    });
    connection.on("error", () => {});
    return connection;
  };
  const usesTls = settings.services.find(({ hasTls }) => !hasTls)?.port;
  if (usesTls !== undefined)
    await eventually(
      async () => {
        const connection = await client(usesTls);
        const rows = await connection.query<{ id: number }[]>("SELECT @@server_id AS id");
        connection.destroy();
        return rows[0]?.id !== 1 || isGalera;
      },
      { within: 30_000, what: "a login" },
    );
  return { servers, replication, galera, proxy, sluice, certificate, caughtUp, client };
}

interface Listed {
  readonly data: readonly {
    readonly attributes: {
      readonly router_diagnostics: { readonly primary: string | null; readonly readers: readonly string[] };
    };
  }[];
}

/** Ports are served before all servers are known, if that takes long. */
async function untilUsed(proxy: Host, servers: number): Promise<void> {
  const areUsed = async (): Promise<boolean> => {
    const { data }: Listed = JSON.parse((await runSluice(proxy, ["list", "services", "--json"])).stdout);
    return data.every(
      ({
        attributes: {
          router_diagnostics: { primary, readers },
        },
      }) => {
        return primary !== null && readers.length === servers - 1;
      },
    );
  };
  await eventually(areUsed, { within: 30_000, what: `services that use all ${servers} servers` });
}

const ACCOUNTS = `${MONITOR_ACCOUNT}
CREATE USER service@'%' IDENTIFIED BY '${FLEET_PASSWORD}'; GRANT SELECT ON mysql.* TO service@'%'; GRANT SHOW DATABASES ON *.* TO service@'%';
CREATE USER app@'%' IDENTIFIED BY '${FLEET_PASSWORD}'; GRANT ALL ON app.* TO app@'%';
CREATE USER admin@'%' IDENTIFIED BY '${FLEET_PASSWORD}'; GRANT ALL ON *.* TO admin@'%' WITH GRANT OPTION;
CREATE DATABASE app;
`;

function configuration(
  settings: SplitFleetSettings,
  servers: readonly DatabaseServer[],
  proxy: Host,
  certificate: Certificate,
): string {
  const { services, isGalera = false, server = "" } = settings;
  const tls = isGalera
    ? ""
    : `ssl=true\nssl_ca=${certificate.authority}\nssl_verify_peer_certificate=true\nssl_verify_peer_host=true\n`;
  const head = fleetSettings(proxy, servers, { ...settings, server: tls + server });
  const listener = `ssl=true\nssl_cert=${certificate.certificate}\nssl_key=${certificate.key}\n`;
  return [
    head,
    ...services.map(
      ({ name, port, more = "", hasTls = false, tlsPort, socket }) => `[${name}]
type=service
router=readwritesplit
cluster=fleet
user=service
password=${FLEET_PASSWORD}
connect_timeout=2s
${more}
[${name}-listener]
type=listener
service=${name}
port=${port}
${hasTls ? listener : ""}
${tlsPort === undefined ? "" : `[${name}-tls]\ntype=listener\nservice=${name}\nport=${tlsPort}\n${listener}`}
${socket === undefined ? "" : `[${name}-socket]\ntype=listener\nservice=${name}\nsocket=${socket}\n`}`,
    ),
  ].join("\n");
}
