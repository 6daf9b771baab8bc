import { createConnection } from "mariadb";
import { Lab } from "./test/lab/lab.ts";
import { startGalera } from "./test/lab/galera.ts";
const lab = await Lab.create({ name: "s7g" });
try {
  const g = await startGalera(lab, { nodes: 2 });
  const [a, b] = g.nodes as any;
  await a.sql("CREATE DATABASE app; CREATE TABLE app.t (n INT PRIMARY KEY) ENGINE=InnoDB; CREATE TABLE app.bulk (id INT PRIMARY KEY, n INT) ENGINE=InnoDB; INSERT INTO app.bulk SELECT seq, 0 FROM mysql.seq_1_to_20000; CREATE USER low@'%'; GRANT SELECT ON app.* TO low@'%'");
  await new Promise(r => setTimeout(r, 1500));
  const w = await createConnection({ socketPath: a.socketPath, user: "root", bigIntAsNumber: true });
  const one = async (c: any, sql: string) => { const t = performance.now(); try { return [String(Object.values((await c.query(sql))[0])[0]), Math.round(performance.now()-t)]; } catch (e: any) { return [e.sqlMessage, e.errno, Math.round(performance.now()-t)]; } };
  console.log("gtid mode", await one(w, "SELECT @@wsrep_gtid_mode"), "never written", await one(w, "SELECT WSREP_LAST_WRITTEN_GTID()"), await one(w, "SELECT WSREP_LAST_SEEN_GTID()"));
  for (const how of ["plain", "reset"]) {
    const c = await createConnection({ host: b.address, user: "low", bigIntAsNumber: true });
    if (how === "reset") { await c.reset(); await w.reset(); }
    for (const fn of ["WSREP_LAST_WRITTEN_GTID()", "WSREP_LAST_SEEN_GTID()"]) {
      await w.query("DELETE FROM app.t");
      let stale = 0; const times: any[] = [];
      for (let i = 0; i < 6; i++) {
        await a.sql("UPDATE app.bulk SET n = n + 1");
        await w.query(`INSERT INTO app.t VALUES (${i})`);
        const [gtid] = await one(w, `SELECT ${fn}`);
        times.push(gtid, await one(c, `SELECT WSREP_SYNC_WAIT_UPTO_GTID('${gtid}', 5)`));
        const rows = await c.query(`SELECT n FROM app.t WHERE n = ${i}`);
        if (rows.length === 0) stale++;
      }
      console.log(how, fn, "stale", stale, JSON.stringify(times));
    }
    console.log("timeout 0 / not there", await one(c, "SELECT WSREP_SYNC_WAIT_UPTO_GTID('0-1-99999', 0)"), await one(c, "SELECT WSREP_SYNC_WAIT_UPTO_GTID('0-1-99999', 1)"), await one(c, "SELECT WSREP_SYNC_WAIT_UPTO_GTID('0-1-99999', 0.2)"), await one(c, "SELECT WSREP_SYNC_WAIT_UPTO_GTID('', 1)"));
    await c.end();
  }
  console.log(await one(w, "SELECT @@gtid_binlog_pos"), await one(w, "SELECT VARIABLE_VALUE FROM information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME='wsrep_last_committed'"));
  const x = await createConnection({ socketPath: b.socketPath, user: "root", bigIntAsNumber: true });
  console.log("written on b", await one(x, "SELECT WSREP_LAST_WRITTEN_GTID()")); await x.query("INSERT INTO app.t VALUES (77)"); console.log(await one(x, "SELECT WSREP_LAST_WRITTEN_GTID()"), "a:", await one(w, "SELECT WSREP_LAST_WRITTEN_GTID()"), await one(w, "SELECT WSREP_LAST_SEEN_GTID()"));
  await x.query("CREATE TABLE app.ddl (a INT)"); console.log("ddl", await one(x, "SELECT WSREP_LAST_WRITTEN_GTID()"));
  await x.query("DELETE FROM app.t WHERE n = 12345"); console.log("nothing", await one(x, "SELECT WSREP_LAST_WRITTEN_GTID()"));
  await a.sql("SET GLOBAL wsrep_provider_options='gcs.fc_limit=100'");
  await x.end(); await w.end();
} finally { await lab.destroy(); }
