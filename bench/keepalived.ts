// npm run bench:keepalived: how long a pair is without its address, with a check in bash and with Sluice's, in the same run.

import { daemonProcesses } from "../test/lab/daemon-processes.ts";
import { Lab } from "../test/lab/lab.ts";
import { VIP_PORT, type VrrpSettings } from "../test/lab/vrrp-host.ts";
import { VrrpPair } from "../test/lab/vrrp-pair.ts";
import { median } from "./health/load.ts";
import { outage } from "./keepalived/outage.ts";
import { SHELL_PING, withShellPing } from "./keepalived/shell-ping.ts";
import { bound, conclusion, report, section } from "./report.ts";

const ROUNDS = Number(process.argv[2] ?? 5);
const SCRIPT = "/run/bin/ping.sh";
const FAULTS = ["killed", "hung", "cut"] as const;
type Fault = (typeof FAULTS)[number];
type Figures = Readonly<Record<Fault, readonly number[]>>;

section(`Time without a working address (${ROUNDS} rounds each)`);
const shell = await measure("bash", {
  prepare: (host) => host.write(SCRIPT, SHELL_PING, 0o755),
  edit: (text) => withShellPing(text, SCRIPT),
});
const api = await measure("maxping", {});
const trackFile = await measure("track-file", { render: ["--check", "track-file"] });

section("Against the script");
bound("killed: bash / maxping, median", median(shell.killed) / median(api.killed), ">=", 1.3, "x");
bound("killed: bash / track-file, median", median(shell.killed) / median(trackFile.killed), ">=", 3, "x");
bound("hung: bash / maxping, median", median(shell.hung) / median(api.hung), ">=", 1.3, "x");
bound("hung: bash / track-file, median", median(shell.hung) / median(trackFile.hung), ">=", 1.3, "x");
// No check is in it: the other host hears nothing for three announcements.
bound("cut: maxping / bash, median", median(api.cut) / median(shell.cut), "<", 1.3, "x");
process.exit(conclusion());

async function measure(
  name: string,
  settings: Pick<VrrpSettings, "prepare" | "render" | "edit">,
): Promise<Figures> {
  const lab = await Lab.create({ name: "bench-keepalived" });
  try {
    const pair = await VrrpPair.start(lab, settings);
    const figures: Record<Fault, number[]> = { killed: [], hung: [], cut: [] };
    for (let round = 0; round < ROUNDS; round++) {
      for (const fault of FAULTS) figures[fault].push(await measureFault(pair, fault));
    }
    for (const fault of FAULTS) {
      report(`${name}: ${fault}, median`, median(figures[fault]), "ms");
      report(`${name}: ${fault}, worst`, Math.max(...figures[fault]), "ms");
    }
    return figures;
  } finally {
    await lab.destroy();
  }
}

/** Resolves when the address is back where it was. */
async function measureFault(pair: VrrpPair, fault: Fault): Promise<number> {
  const [one, two] = pair.boxes;
  const processes = daemonProcesses(one.sluice.pid);
  const signal = (name: NodeJS.Signals): void => {
    for (const pid of processes) process.kill(pid, name);
  };
  const begin = async (): Promise<void> => {
    if (fault === "cut") await one.host.cut();
    else signal(fault === "killed" ? "SIGKILL" : "SIGSTOP");
  };
  const took = await outage(pair.vip, VIP_PORT, begin);
  await pair.isWith(two, { butNot: [one] });
  switch (fault) {
    case "killed":
      await one.startSluice();
      break;
    case "hung":
      signal("SIGCONT");
      break;
    case "cut":
      await one.host.restore();
      break;
  }
  await pair.isWith(one);
  return took;
}
