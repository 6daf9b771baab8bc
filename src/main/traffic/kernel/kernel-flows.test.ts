import { expect, test } from "bun:test";
import { FakeClock } from "../../../../test/support/fake-clock.ts";
import type { CommandResult } from "../../../system/run-command.ts";
import { type KernelFlow, KernelFlows } from "./kernel-flows.ts";
import type { KernelPlan } from "./kernel-plan.ts";

const PLAN: KernelPlan = {
  service: "read",
  balance: "random",
  masquerade: true,
  ttlMs: 0,
  keepOnExit: false,
  listeners: [{ name: "read-listener", address: "::", port: 4008, isOpen: true }],
  servers: new Map([
    ["10.0.0.1:3306", "db1"],
    ["10.0.0.2:3306", "db2"],
  ]),
};

/** A client's connection, as conntrack prints it. */
const line = (client: number, state: string, server = 1): string =>
  `tcp      6 431999 ${state} src=10.0.0.9 dst=10.0.0.5 sport=${client} dport=4008 src=10.0.0.${server} dst=10.0.0.5 sport=3306 dport=${client} [ASSURED] mark=0 use=1 id=${client}`;

/** A kernel that knows the connections of `listing`, and answers `forgetting` when it is to forget some. */
function stage(listing: readonly string[], forgetting: (argv: string) => Partial<CommandResult>) {
  const clock = new FakeClock();
  const resets: string[] = [];
  const forgotten: string[] = [];
  const flows = new KernelFlows({
    clock,
    run: async (argv) => {
      const words = argv.join(" ");
      if (words.includes("--orig-port-src 4008")) forgotten.push(words);
      const found = words.includes("-D") ? forgetting(words) : { stdout: listing.join("\n") };
      return { code: 0, stdout: "", stderr: "", ...found };
    },
    reset: async (pretended, peer) => resets.push(`${pretended.port} to ${peer.address}:${peer.port}`),
  });
  const list = async (): Promise<readonly KernelFlow[]> => await flows.list([PLAN], 0);
  return { clock, flows, resets, forgotten, list };
}

const bothEnds = (client: number, server = 1): readonly string[] => [
  `4008 to 10.0.0.9:${client}`,
  `${client} to 10.0.0.${server}:3306`,
];

test("who is reset is who was forgotten, whatever had been listed: some come, get on and end in between", async () => {
  const { clock, flows, resets, list } = stage(
    [line(1001, "ESTABLISHED"), line(1002, "SYN_SENT"), line(1003, "ESTABLISHED")],
    () => ({ stdout: [1001, 1002, 1004].map((client) => line(client, "ESTABLISHED")).join("\n") }),
  );
  await flows.cut(await list());
  await clock.advanceSettling(0);
  expect(resets).toEqual([1001, 1002, 1004].flatMap((client) => bothEnds(client)));
});

test("a client that still tries is left alone: it tries on, and comes to another server", async () => {
  const { clock, flows, resets, list } = stage([line(1001, "SYN_SENT")], () => ({
    stdout: line(1001, "SYN_SENT"),
  }));
  await flows.cut(await list());
  await clock.advanceSettling(10_000);
  expect(resets).toEqual([]);
});

test("everybody is told once more a little later, and that is waited for", async () => {
  const { clock, flows, resets, list } = stage([line(1001, "ESTABLISHED")], () => ({
    stdout: line(1001, "ESTABLISHED"),
  }));
  const [flow] = await list();
  if (flow !== undefined) await flows.cutOne(flow);
  let isAllReset = false;
  void flows.allReset.then(() => {
    isAllReset = true;
  });
  await clock.advanceSettling(500);
  expect([resets, isAllReset]).toEqual([[...bothEnds(1001)], false]);
  await clock.advanceSettling(500);
  expect([resets, isAllReset]).toEqual([[...bothEnds(1001), ...bothEnds(1001)], true]);
});

test("that clients were asked is forgotten once they have answered, of all of them together", async () => {
  const { clock, flows, forgotten, list } = stage(
    [line(1001, "ESTABLISHED"), line(1002, "ESTABLISHED")],
    () => ({ stdout: [1001, 1002].map((client) => line(client, "ESTABLISHED")).join("\n") }),
  );
  for (const flow of await list()) await flows.cutOne(flow);
  const own = "conntrack -D -f ipv4 -p tcp --orig-src 10.0.0.5 --orig-port-src 4008 -o id";
  await clock.advanceSettling(50);
  expect(forgotten).toEqual([]);
  await clock.advanceSettling(50);
  expect(forgotten).toEqual([own]);
  await clock.advanceSettling(1000);
  expect(forgotten).toEqual([own, own]);
  await flows.allReset;
});

test("a command that fails halfway may have forgotten any of its own: they are reset, those of others are not", async () => {
  const { clock, flows, resets, list } = stage(
    [line(1001, "ESTABLISHED", 1), line(1002, "ESTABLISHED", 2)],
    (words) => (words.includes("10.0.0.1 ") ? { code: null } : { stdout: line(1002, "ESTABLISHED", 2) }),
  );
  await expect(flows.cut(await list())).rejects.toThrow("took too long");
  await clock.advanceSettling(0);
  expect(resets).toEqual([...bothEnds(1001)]);
});
