import { eventually } from "../eventually.ts";
import type { Lab } from "./lab.ts";
import { LabError } from "./lab-error.ts";
import { MariaDb, type MariaDbSettings } from "./maria-db.ts";
import type { Row } from "./sql.ts";

export interface ReplicationSettings extends MariaDbSettings {
  /** Default 2. */
  readonly replicas?: number;
  /** Host names are this and a number from 1; number 1 is the first primary. Default "db". */
  readonly prefix?: string;
}

const USER = "replication";
const PASSWORD = "replication";
const SYNC_DEADLINE_MS = 20_000;

/** Servers of which all but the first follow the first, by GTID. Who follows whom is then up to the test. */
export class Replication {
  /** The first primary, then the replicas. */
  readonly servers: readonly MariaDb[];

  constructor(servers: readonly MariaDb[]) {
    this.servers = servers;
  }

  /** The server that was the primary at first. */
  get primary(): MariaDb {
    const [first] = this.servers;
    if (!first) throw new LabError("there is no server");
    return first;
  }

  /** The servers that were replicas at first. */
  get replicas(): readonly MariaDb[] {
    return this.servers.slice(1);
  }

  /** Makes a server follow another, from where its own GTID position is, and waits until both threads run. */
  async follow(replica: MariaDb, primary: MariaDb, connection = ""): Promise<void> {
    const settings = {
      MASTER_HOST: `'${primary.address}'`,
      MASTER_PORT: primary.port,
      MASTER_USER: `'${USER}'`,
      MASTER_PASSWORD: `'${PASSWORD}'`,
      MASTER_CONNECT_RETRY: 1,
      MASTER_HEARTBEAT_PERIOD: 0.5,
      MASTER_USE_GTID: "slave_pos",
    };
    const list = Object.entries(settings).map(([name, value]) => `${name} = ${value}`);
    const channels = await replica.sql<Row>("SHOW ALL SLAVES STATUS");
    if (channels.some((channel) => channel["Connection_name"] === connection))
      await replica.sql(`STOP SLAVE '${connection}'`);
    await replica.sql(`CHANGE MASTER '${connection}' TO ${list.join(", ")}; START SLAVE '${connection}'`);
    await this.untilReplicating(replica, connection);
  }

  /** Waits until the IO and the SQL thread run. */
  async untilReplicating(replica: MariaDb, connection = ""): Promise<void> {
    const isRunning = async (): Promise<boolean> => {
      const [status] = await replica.sql<Row>(`SHOW SLAVE '${connection}' STATUS`);
      return status?.["Slave_IO_Running"] === "Yes" && status["Slave_SQL_Running"] === "Yes";
    };
    await eventually(isRunning, { within: SYNC_DEADLINE_MS, what: `${replica.host.name} replicating` });
  }

  /** Waits until a replica has executed all that the primary has committed by now. */
  async untilCaughtUp(replica: MariaDb, primary: MariaDb = this.primary): Promise<void> {
    const position = await primary.variable("gtid_binlog_pos");
    const seconds = SYNC_DEADLINE_MS / 1_000;
    const [row] = await replica.sql<Row>(
      `SELECT MASTER_GTID_WAIT('${position}', ${seconds}) AS late`,
      SYNC_DEADLINE_MS + 1_000,
    );
    if (row?.["late"] !== 0)
      throw new LabError(`${replica.host.name} has not reached ${position} within ${seconds} s`);
  }
}

/** A primary and its replicas, both threads of each running. */
export async function startReplication(lab: Lab, settings: ReplicationSettings = {}): Promise<Replication> {
  const { replicas = 2, prefix = "db" } = settings;
  const servers = await Promise.all(
    Array.from({ length: replicas + 1 }, async (_, i) => {
      const options = { server_id: i + 1, gtid_strict_mode: true, slave_net_timeout: 2, ...settings.options };
      return await MariaDb.start(await lab.host(`${prefix}${i + 1}`), {
        hasBinlog: true,
        ...settings,
        options,
      });
    }),
  );
  const replication = new Replication(servers);
  const { primary } = replication;
  await primary.sql(
    `CREATE USER ${USER}@'%' IDENTIFIED BY '${PASSWORD}'; GRANT REPLICATION SLAVE ON *.* TO ${USER}@'%'`,
  );
  await Promise.all(
    replication.replicas.map(async (replica) => {
      await replication.follow(replica, primary);
      await replication.untilCaughtUp(replica);
    }),
  );
  return replication;
}
