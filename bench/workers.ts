// scripts/bench.sh workers [rounds]: do two workers carry at least 1.6 times what one does?
//
// On two processors, clients and server leave no room for two busy workers. So each worker gets a fixed share of a processor (a control
// group with a quota), small enough that the workers are the bottleneck: then the ratio shows what two of them do to each other.
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import type { Socket } from "bun";
import { eventually } from "../test/eventually.ts";
import type { Host } from "../test/lab/host.ts";
import { Lab } from "../test/lab/lab.ts";
import type { Process } from "../test/lab/process.ts";
import { startSluice } from "../test/lab/sluice.ts";
import { cpuMicros } from "./balancing/process-cpu.ts";
import { limitCpu } from "./cpu-share.ts";
import { bound, conclusion, report, section } from "./report.ts";

const ROUNDS = Number(process.argv[2] ?? 3);
const ROUND_MS = 4000;
const WARM_UP_MS = 1000;
const CLIENTS = 64;
const SHARE = 0.15;
const PORT = 4006;
const REQUEST = Buffer.alloc(40, "q");
const ANSWER = Buffer.alloc(150, "a");
const GREETING = Buffer.from("\u001a\u0000\u0000\u0000\n10.11.6-MariaDB\u0000\u0007\u0000\u0000\u0000abcd");

interface Figures {
  readonly rate: number;
  /** CPU of all workers for a request, microseconds. */
  readonly cost: number;
  /** Sessions of the least busy worker, against an equal share. */
  readonly evenness: number;
}

const lab = await Lab.create({ name: "bench-workers" });
const server = startServer();
try {
  const proxy = await lab.host("proxy");
  const figures = new Map<number, Figures[]>([
    [1, []],
    [2, []],
  ]);
  for (let round = 0; round < ROUNDS; round++)
    for (const [threads, list] of figures) list.push(await measure(proxy, threads));
  section(`${CLIENTS} clients, each worker with ${SHARE * 100} % of a processor, ${ROUNDS} rounds`);
  const [one, two] = [median(figures.get(1)), median(figures.get(2))];
  report("one worker", one.rate, "requests per second");
  report("two workers", two.rate, "requests per second");
  report("CPU of a request, two against one", two.cost / one.cost, "x");
  report("sessions of the less busy worker, against a half", two.evenness, "x");
  bound("two workers against one", two.rate / one.rate, ">=", 1.6, "x");
} finally {
  server.stop(true);
  await lab.destroy();
}
process.exit(conclusion());

/** Greets as a database would, and answers whatever comes. */
function startServer() {
  const socket = {
    open: (client: Socket) => void client.write(GREETING),
    data: (client: Socket) => void client.write(ANSWER),
  };
  return Bun.listen({ hostname: "0.0.0.0", port: 0, socket });
}

async function measure(host: Host, threads: number): Promise<Figures> {
  configure(host, threads);
  const sluice = await startSluice(host, ["run", "--config", "/etc/sluice.cnf"], { ports: [PORT] });
  const pids = await eventually(() => {
    const found = workersOf(sluice);
    return found.length === threads ? found : false;
  });
  const limits = pids.map((pid) => limitCpu(pid, SHARE));
  try {
    const clients = await Promise.all(Array.from({ length: CLIENTS }, async () => await connectClient(host)));
    await delay(WARM_UP_MS);
    const before = { count: answers(clients), cpu: cpuMicros(pids) };
    await delay(ROUND_MS);
    const count = answers(clients) - before.count;
    const cpu = cpuMicros(pids) - before.cpu;
    const sessions = await sessionsByWorker(host);
    for (const { socket } of clients) socket.end();
    return {
      rate: (count / ROUND_MS) * 1000,
      cost: cpu / count,
      evenness: Math.min(...sessions) / (CLIENTS / threads),
    };
  } finally {
    await sluice.terminate();
    for (const end of limits) end();
  }
}

function configure(host: Host, threads: number): void {
  const folders = `datadir=${host.folder}/data\npersistdir=${host.folder}/data/sluice.cnf.d`;
  const text = `[sluice]
threads=${threads}
${folders}
[echo]
type=server
address=${lab.address}
port=${server.port}
[m]
type=monitor
module=portmon
servers=echo
[s]
type=service
router=readconnroute
cluster=m
[l]
type=listener
service=s
port=${PORT}
`;
  host.write("/etc/sluice.cnf", text, 0o600);
}

interface Client {
  readonly socket: Socket;
  answers: number;
}

/** Asks again with every answer. */
async function connectClient(host: Host): Promise<Client> {
  let isGreeted = false;
  const counts = { answers: 0 };
  const data = (from: Socket, chunk: Buffer): void => {
    if (isGreeted && chunk.length === ANSWER.length) counts.answers++;
    isGreeted = true;
    from.write(REQUEST);
  };
  const socket = await Bun.connect({ hostname: host.address, port: PORT, socket: { data } });
  return Object.assign(counts, { socket });
}

function answers(clients: readonly Client[]): number {
  return clients.reduce((sum, client) => sum + client.answers, 0);
}

async function sessionsByWorker(host: Host): Promise<readonly number[]> {
  const { stdout } = await host.run([
    "curl",
    "-s",
    "--unix-socket",
    "/run/sluice/admin.sock",
    "http://sluice/v1/maxscale/threads",
  ]);
  const { data } = JSON.parse(stdout) as {
    data: { id: string; attributes: { stats: { sessions: number } } }[];
  };
  return data.slice(1).map(({ attributes }) => attributes.stats.sessions);
}

/** Pids of the worker processes, as seen from outside: in the network namespace of the daemon. */
function workersOf(daemon: Process): readonly number[] {
  const network = networkOf(daemon.pid);
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        const isWorker = readFileSync(`/proc/${pid}/cmdline`, "utf8").startsWith("sluice\0worker\0");
        return isWorker && networkOf(pid) === network;
      } catch {
        return false; // it has ended
      }
    });
}

function networkOf(pid: number): string {
  return readlinkSync(`/proc/${pid}/ns/net`);
}

/** The round in the middle, by its rate. */
function median(list: readonly Figures[] = []): Figures {
  const sorted = [...list].sort((a, b) => a.rate - b.rate);
  return (
    sorted[Math.floor(sorted.length / 2)] ?? { rate: Number.NaN, cost: Number.NaN, evenness: Number.NaN }
  );
}
