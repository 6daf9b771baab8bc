import { beforeEach, describe, expect, mock, test } from "bun:test";
import { FakeClock } from "../../../test/support/fake-clock.ts";
import { aVerdict, FakeFleet, JUDGED_AT } from "../../../test/support/fake-fleet.ts";
import { RecordingLog } from "../../../test/support/recording-log.ts";
import { SluiceError } from "../../errors/sluice-error.ts";
import type { Firewall } from "./firewall.ts";
import { PortGate, type PortGateOptions } from "./port-gate.ts";

const OPTIONS: PortGateOptions = {
  name: "gate",
  server: "db1",
  plan: { mirrorPort: 3308, realPort: 3306, sources: "all", protectExcept: undefined },
  ttlMs: 3000,
  intervalMs: 1000,
  cutAfterMs: undefined,
  keepOnExit: false,
};

let clock: FakeClock;
let fleet: FakeFleet;
let log: RecordingLog;
let done: string[];
let found: boolean;
let failure: SluiceError | undefined;
let isDisturbed: boolean;
let isTracked: boolean;
let gate: PortGate;

const note = (what: string): void => {
  if (failure !== undefined) throw failure;
  done.push(what);
};
const firewall = (name: Firewall["name"]): Firewall => ({
  name,
  prepare: async () => {
    note(`prepare ${name}`);
    return found;
  },
  open: async (ttlMs) => note(`open ${ttlMs}`),
  close: async () => note("close"),
  renew: async (ttlMs) => {
    note(`renew ${ttlMs ?? "closed"}`);
    const wasDisturbed = isDisturbed;
    isDisturbed = false;
    return wasDisturbed;
  },
  remove: async () => note("remove"),
  leave: async () => {
    done.push("leave");
  },
});

function create(options: Partial<PortGateOptions> = {}, firewalls = [firewall("nftables")]): PortGate {
  const connections = {
    check: async () => note("check"),
    outliveRules: async () => isTracked,
    cut: async () => {
      note("cut");
      return 2;
    },
  };
  const claim = { take: async () => {}, release: () => {} };
  return new PortGate({ ...OPTIONS, ...options }, { firewalls, connections, claim }, fleet, clock, log);
}

async function start(options: Partial<PortGateOptions> = {}, firewalls?: Firewall[]): Promise<void> {
  gate = create(options, firewalls);
  await gate.start();
  await clock.advanceSettling(0);
  done.splice(0);
}

/** A verdict that is as fresh as the clock. */
const judged = (up: boolean, sentence = "judged") =>
  aVerdict({ up, sentence, at: clock.now(), staleAt: clock.now() + 2500 });

beforeEach(() => {
  clock = new FakeClock(JUDGED_AT);
  fleet = new FakeFleet({ db1: aVerdict({ staleAt: JUDGED_AT + 3_600_000 }) });
  log = new RecordingLog();
  done = [];
  found = false;
  failure = undefined;
  isDisturbed = false;
  isTracked = true;
});

describe("follows the verdict", () => {
  test("open at the start, closed when it is down, with the reason in the log", async () => {
    gate = create();
    await gate.start();
    await clock.advanceSettling(0);
    expect(done).toEqual(["prepare nftables", "open 3000"]);
    fleet.set("db1", judged(false, "connection refused"));
    await clock.advanceSettling(0);
    expect(done.at(-1)).toBe("close");
    expect(log.messages("info").at(-1)).toBe("port 3308 is closed: connection refused");
    expect(gate.gate).toMatchObject({ isOpen: false, opened: 1, closed: 1 });
  });

  test("a verdict that grows stale closes it, though no new one comes", async () => {
    fleet.set("db1", judged(true));
    await start();
    await clock.advanceSettling(2400);
    expect(done).not.toContain("close");
    await clock.advanceSettling(200);
    expect(done.at(-1)).toBe("close");
  });

  test("nothing is done before anything is known; an opening that was found is kept by the first yes", async () => {
    found = true;
    fleet.set("db1", aVerdict({ known: false, up: false, code: "STARTING" }));
    await start();
    await clock.advanceSettling(2000);
    expect(done).toEqual([]);
    fleet.set("db1", judged(true));
    await clock.advanceSettling(0);
    expect(done).toEqual(["renew 3000"]);
    expect(gate.gate.opened).toBe(0);
  });

  test("a first no closes an opening that was found", async () => {
    found = true;
    fleet.set("db1", judged(false));
    await start();
    expect(gate.gate).toMatchObject({ isOpen: false, closed: 1 });
  });
});

describe("time and others", () => {
  test("an opening is renewed in time, and a closed gate is looked after, too", async () => {
    await start({ ttlMs: 1500 });
    await clock.advanceSettling(1000);
    expect(done).toEqual(["renew 1500", "renew 1500"]);
    done.splice(0);
    fleet.set("db1", judged(false));
    await clock.advanceSettling(1000);
    expect(done).toEqual(["close", "renew closed", "renew closed"]);
  });

  test("what others changed is said and counted", async () => {
    await start();
    isDisturbed = true;
    await clock.advanceSettling(1000);
    expect(log.messages("warn")).toEqual([
      "the rules of port 3308 were not as this agent had left them: they are right again",
    ]);
    expect(gate.gate.repaired).toBe(1);
  });

  test("a firewall that refuses is tried again soon, and told of once", async () => {
    await start();
    failure = new SluiceError("FIREWALL_FAILED", "nft ended with 1: no");
    fleet.set("db1", judged(false));
    await clock.advanceSettling(450);
    expect(gate.gate).toMatchObject({ isOpen: true, failed: 5 });
    expect(log.messages("error")).toHaveLength(1);
    failure = undefined;
    await clock.advanceSettling(100);
    expect(gate.gate.isOpen).toBe(false);
  });
});

describe("established connections", () => {
  test("on_close=cut ends them with the closing", async () => {
    await start({ cutAfterMs: 0 });
    fleet.set("db1", judged(false));
    await clock.advanceSettling(0);
    expect(done).toEqual(["close", "cut"]);
    expect(gate.gate.cut).toBe(2);
  });

  test("cut_after ends them later, unless the gate has opened again", async () => {
    await start({ cutAfterMs: 800, ttlMs: 60_000, intervalMs: 60_000 });
    fleet.set("db1", judged(false));
    await clock.advanceSettling(700);
    fleet.set("db1", judged(true));
    await clock.advanceSettling(700);
    expect(done).not.toContain("cut");
    fleet.set("db1", judged(false));
    await clock.advanceSettling(900);
    expect(done.at(-1)).toBe("cut");
  });
});

describe("the end", () => {
  test("takes every rule away", async () => {
    await start();
    await gate.close("exit");
    expect(done).toEqual(["close", "remove"]);
    await gate.close("exit");
    expect(done).toEqual(["close", "remove"]);
  });

  test("what fails is tried again, so that nothing stays behind on a slow machine; but not for ever", async () => {
    const slow = { ...firewall("nftables"), remove: mock(async () => note("remove")) };
    const tooLong = new SluiceError("FIREWALL_FAILED", "nft took too long");
    slow.remove.mockRejectedValueOnce(tooLong);
    await start({}, [slow]);
    await gate.close("exit");
    expect(done).toEqual(["close", "close", "remove"]);
    expect(log.messages("error").at(-1)).toBe("the gate cannot be changed: nft took too long");

    slow.remove.mockRejectedValue(tooLong);
    await start({}, [slow]);
    await gate.close("exit");
    expect(done).toEqual(["close", "close", "close"]);
  });

  test("resets connections that nobody would translate any more", async () => {
    isTracked = false;
    await start();
    await gate.close("exit");
    expect(done).toEqual(["close", "cut", "remove"]);
  });

  test("keep_on_exit leaves an open gate for a while, but not when the object is changed", async () => {
    await start({ keepOnExit: true });
    await gate.close("exit");
    expect(done).toEqual(["renew 30000", "leave"]);
    await start({ keepOnExit: true });
    await gate.close("changed");
    expect(done).toEqual(["close", "remove"]);
  });
});

describe("the choice of a firewall", () => {
  const failing = (name: Firewall["name"], code: "FIREWALL_MISSING" | "FIREWALL_DENIED"): Firewall => ({
    ...firewall(name),
    prepare: () => Promise.reject(new SluiceError(code, `${name}: ${code}`)),
  });

  test("the first that works", async () => {
    gate = create({}, [failing("nftables", "FIREWALL_MISSING"), firewall("iptables")]);
    await gate.start();
    expect(log.messages("info")[0]).toContain("by iptables");
  });

  test("with none, both reasons; without the privilege, that one", async () => {
    gate = create({}, [failing("nftables", "FIREWALL_MISSING"), failing("iptables", "FIREWALL_MISSING")]);
    await expect(gate.start()).rejects.toThrow("nftables: FIREWALL_MISSING; or: iptables: FIREWALL_MISSING");
    gate = create({}, [failing("nftables", "FIREWALL_DENIED"), firewall("iptables")]);
    await expect(gate.start()).rejects.toMatchObject({ code: "FIREWALL_DENIED" });
  });
});
