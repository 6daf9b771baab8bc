import type { RunOptions, RunResult } from "../lab/run.ts";

export interface CommandLineClient {
  readonly address: string;
  readonly port: number;
  /** On the host where the client is. */
  run(argv: readonly string[], options: RunOptions): Promise<RunResult>;
}

/** Runs a statement with the mariadb client, whatever comes of it; the password goes by the environment. @param more its options, or a database */
export async function mariadbClient(
  { address, port, run }: CommandLineClient,
  user: string,
  password: string,
  sql: string,
  ...more: readonly string[]
): Promise<RunResult> {
  const argv = [
    "mariadb",
    "--no-defaults",
    "-h",
    address,
    `-P${port}`,
    `-u${user}`,
    "-BN",
    ...more,
    "-e",
    sql,
  ];
  return await run(argv, { mayFail: true, env: { ...process.env, MYSQL_PWD: password } });
}
