// Two hosts, each with Sluice and keepalived, real VRRP between them, all of it from `sluice render keepalived`: whatever happens to
// one of them, the address moves, and the passive flags follow it.
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { copyFileSync, mkdirSync, readFileSync } from "node:fs";
import { eventually } from "../eventually.ts";
import type { Host } from "../lab/host.ts";
import { startKeepalived } from "../lab/keepalived.ts";
import { Lab } from "../lab/lab.ts";
import { MariaDb } from "../lab/maria-db.ts";
import type { Process } from "../lab/process.ts";
import { runSluice, sluicePath } from "../lab/sluice.ts";

/** keepalived runs nothing that anybody but root might replace: not from the folder of a working copy. */
const SLUICE = "/run/bin/sluice";
const TRACK = "/run/sluice-track";

let lab: Lab;
let db: MariaDb;
let vip: string;
let boxes: readonly [Box, Box];

/** A host of the pair. */
class Box {
  readonly host: Host;
  readonly #role: "master" | "backup";
  keepalived: Process | undefined;
  sluice: Process | undefined;

  constructor(host: Host, role: "master" | "backup") {
    this.host = host;
    this.#role = role;
  }

  async start(): Promise<void> {
    mkdirSync(this.host.path("/run/bin"), { recursive: true });
    copyFileSync(sluicePath(), this.host.path(SLUICE));
    this.host.write(
      "/etc/sluice.cnf",
      `[sluice]\nthreads=0\ndatadir=${this.host.folder}\n[db1]\ntype=server\naddress=${db.address}\n` +
        "[cluster]\ntype=monitor\nmodule=auto\nservers=db1\nuser=monitor\npassword=Monitor 1\nmonitor_interval=500ms\n" +
        `[track]\ntype=publisher\nmodule=track-file\nmonitor=cluster\nfile=${TRACK}\n`,
    );
    await this.startSluice();
    const args = ["render", "keepalived", "--role", this.#role, "--vip", `${vip}/24`, "--interface", "eth0"];
    const { stdout } = await runSluice(this.host, [...args, "--script-user", "root", "--sluice", SLUICE]);
    this.keepalived = await startKeepalived(this.host, stdout);
  }

  async startSluice(): Promise<void> {
    this.sluice = await this.host.spawn([SLUICE, "run"], { env: { SLUICE_RUNTIME_DIR: "/run/sluice" } });
    await this.host.untilListening(this.sluice, [8989]);
  }

  hasAddress(): Promise<boolean> {
    return this.host.hasAddress(vip);
  }

  async isPassive(): Promise<boolean> {
    const { stdout } = await this.host.run([SLUICE, "show", "maxscale", "--json", "--timeout", "1s"]);
    const { data } = JSON.parse(stdout) as { data: { attributes: { parameters: { passive: boolean } } } };
    return data.attributes.parameters.passive;
  }

  get track(): string {
    return readFileSync(this.host.path(TRACK), "utf8").trim();
  }
}

beforeAll(async () => {
  lab = await Lab.create({ name: "keepalived" });
  db = await MariaDb.start(await lab.host("db1"));
  await db.sql("CREATE USER monitor@'%' IDENTIFIED BY 'Monitor 1'; GRANT ALL ON *.* TO monitor@'%'");
  const hosts = await Promise.all([lab.host("box01"), lab.host("box02")]);
  vip = hosts[0].address.replace(/\d+$/, "200");
  boxes = [new Box(hosts[0], "master"), new Box(hosts[1], "backup")];
  await Promise.all(boxes.map((box) => box.start()));
}, 60_000);

afterAll(async () => {
  await lab.destroy();
});

/** The address is with `box` alone, it is active and the other one passive. */
async function isWith(box: Box, { butNot = [] as readonly Box[] } = {}): Promise<void> {
  await eventually(
    async () => {
      for (const other of boxes) {
        if (butNot.includes(other)) continue;
        const [address, passive] = await Promise.all([other.hasAddress(), other.isPassive()]);
        if (address !== (other === box)) throw new Error(`${other.host.name} has the address: ${address}`);
        if (passive !== (other !== box)) throw new Error(`${other.host.name} is passive: ${passive}`);
      }
      return true;
    },
    { within: 20_000, every: 100, what: `the address is with ${box.host.name}, and the flags follow` },
  );
}

describe("the pair", () => {
  // Each begins and ends with the first host in service.
  afterEach(async () => {
    await isWith(boxes[0]);
  }, 30_000);

  test("begins with the MASTER active, and the BACKUP passive", async () => {
    await isWith(boxes[0]);
    await eventually(() => boxes.every(({ track }) => track === "0"), { what: "both track files are good" });
  }, 30_000);

  test("the daemon is killed: its track file fails at once, the address moves, and comes back with it", async () => {
    const [one, two] = boxes;
    one.sluice?.kill("SIGKILL");
    await eventually(() => one.track === "1", { within: 3000, what: "the guard has the last write" });
    await isWith(two, { butNot: [one] });
    expect(await one.hasAddress()).toBe(false);
    await one.startSluice();
  }, 40_000);

  test("the daemon hangs: the same, and it goes on where it was", async () => {
    const [one, two] = boxes;
    one.sluice?.kill("SIGSTOP");
    await eventually(() => one.track === "1", { what: "its verdict is not renewed" });
    await isWith(two, { butNot: [one] });
    one.sluice?.kill("SIGCONT");
    await eventually(() => one.track === "0", { what: "the verdict is renewed" });
  }, 40_000);

  test("the host is cut off: the other one takes over; healed, there is one again", async () => {
    const [one, two] = boxes;
    await one.host.cut();
    await isWith(two, { butNot: [one] });
    await one.host.restore();
  }, 40_000);

  test("keepalived is stopped: its proxy is passive", async () => {
    const [one, two] = boxes;
    const configuration = one.keepalived;
    await configuration?.terminate();
    await isWith(two);
    const args = ["render", "keepalived", "--role", "master", "--vip", `${vip}/24`, "--interface", "eth0"];
    const { stdout } = await runSluice(one.host, [...args, "--script-user", "root", "--sluice", SLUICE]);
    one.keepalived = await startKeepalived(one.host, stdout);
  }, 40_000);
});
