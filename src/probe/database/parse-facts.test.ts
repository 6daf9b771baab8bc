import { describe, expect, test } from "bun:test";
import { parseFacts } from "./parse-facts.ts";
import { sessionSetup, showReplication } from "./statements.ts";

const rows = (values: Record<string, string>): { Variable_name: string; Value: string }[] =>
  Object.entries(values).map(([name, value]) => ({ Variable_name: name, Value: value }));
const NOTHING = {
  version: "",
  variables: undefined,
  status: undefined,
  replication: undefined,
  check: undefined,
};

describe("variables and status", () => {
  test("a Galera node", () => {
    const facts = parseFacts({
      ...NOTHING,
      variables: rows({ version: "10.11.6-MariaDB", wsrep_on: "ON", read_only: "OFF", WSREP_DESYNC: "ON" }),
      status: rows({ wsrep_local_state: "2", WSREP_READY: "ON", wsrep_local_index: "18446744073709551615" }),
    });
    expect(facts.flavour).toBe("mariadb");
    expect(facts.galera).toMatchObject({
      wsrepOn: true,
      localState: 2,
      ready: true,
      desync: true,
      localIndex: -1,
    });
  });

  test.each([
    ["OFF", false],
    ["0", false],
    ["ON", true],
    ["NO_LOCK_NO_ADMIN", true],
  ])("read_only = %s", (value, expected) => {
    expect(parseFacts({ ...NOTHING, variables: rows({ read_only: value }) }).readOnly.readOnly).toBe(
      expected,
    );
  });

  test("a server without wsrep is no Galera node; one that answers only queries is a proxy", () => {
    expect(parseFacts({ ...NOTHING, variables: rows({ version: "8.0.36" }) })).toMatchObject({
      flavour: "mysql",
      galera: undefined,
    });
    expect(parseFacts({ ...NOTHING, check: [{ hostname: "db7" }] })).toMatchObject({
      flavour: "proxy",
      hostname: "db7",
      rows: 1,
    });
    const percona = rows({ version: "8.0.36-28", version_comment: "Percona Server (GPL)" });
    expect(parseFacts({ ...NOTHING, variables: percona }).flavour).toBe("percona");
  });
});

describe("replication rows in both vocabularies", () => {
  const expected = {
    name: "c",
    sourceHost: "db1",
    sourcePort: 3306,
    ioRunning: "Yes",
    sqlRunning: "No",
    lagSeconds: undefined,
  };
  test.each([
    {
      Connection_name: "c",
      Master_Host: "db1",
      Master_Port: 3306,
      Slave_IO_Running: "Yes",
      Slave_SQL_Running: "No",
      Seconds_Behind_Master: null,
    },
    {
      Channel_Name: "c",
      Source_Host: "db1",
      Source_Port: 3306,
      Replica_IO_Running: "Yes",
      Replica_SQL_Running: "No",
      Seconds_Behind_Source: null,
    },
  ])("%o", (row) => {
    expect(parseFacts({ ...NOTHING, replication: [row] }).channels).toMatchObject([expected]);
  });

  test("not asked, denied and none are three things", () => {
    expect(parseFacts(NOTHING).channels).toBe("not-asked");
    expect(parseFacts({ ...NOTHING, replication: "denied" }).channels).toBe("denied");
    expect(parseFacts({ ...NOTHING, replication: [] }).channels).toEqual([]);
  });
});

test("statements follow the version", () => {
  expect(showReplication("10.11.6-MariaDB")).toBe("SHOW ALL SLAVES STATUS");
  expect(showReplication("8.0.21")).toBe("SHOW SLAVE STATUS");
  expect(showReplication("8.0.22-0ubuntu")).toBe("SHOW REPLICA STATUS");
  expect(showReplication("9.1.0")).toBe("SHOW REPLICA STATUS");
  expect(sessionSetup("5.5.5-10.11.6-MariaDB", 500)[0]).toContain(
    "max_statement_time=0.5, wsrep_sync_wait=0",
  );
  expect(sessionSetup("8.4.0", 500)[0]).toContain("max_execution_time=500");
});
