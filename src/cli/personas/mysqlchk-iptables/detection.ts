import type { GatePlan } from "../../../publish/port-gate/gate-plan.ts";
import { isOpenIn } from "../../../publish/port-gate/iptables/iptables-rules.ts";
import { isOpenIn as isOpenInNft } from "../../../publish/port-gate/nftables/nft-listing.ts";
import { list } from "../../../publish/port-gate/nftables/nft-script.ts";
import { type CommandResult, commandRunner } from "../../../system/run-command.ts";
import { tcpListeners } from "../../../system/tcp-listeners.ts";
import { explanation } from "../../../verdict/explanation.ts";
import { DEFAULT_POLICY } from "../../../verdict/policy.ts";
import { askVerdict } from "../../ask-verdict.ts";
import { print } from "../../output.ts";
import { connectionOf, policyParameters } from "./account.ts";
import type { GateArguments } from "./options.ts";

// The script gave a server that hangs ten seconds.
const DEADLINE_MS = 10_000;
const COMMAND_MS = 2500;

/** `-t`: asks the server, looks at the firewall, says what would be done. Changes nothing. Resolves to the exit code. */
export async function test(args: GateArguments, env: NodeJS.ProcessEnv, now: () => number): Promise<number> {
  const { flags, env: withPassword } = connectionOf(args, env);
  const policy = {
    ...DEFAULT_POLICY,
    profile: "galera",
    ...policyParameters(env),
    staleAfterMs: DEADLINE_MS,
  } as const;
  const { snapshot } = await askVerdict({
    agentSocket: undefined,
    server: undefined,
    mustMatch: true,
    connection: flags,
    env: withPassword,
    policy,
    offSwitchFiles: ["/var/tmp/clustercheck.disabled", "/dev/shm/proxyoff"],
    deadlineMs: DEADLINE_MS,
  });
  print("Detected variables and status:\n\n");
  print(explanation(snapshot, now()));
  print(`\nFirewall:\n${(await firewallLines(args)).map((line) => `  ${line}\n`).join("")}\n`);
  const { mirrorPort, realPort } = args;
  const from = args.sources?.join(", ") ?? "everybody";
  const { up, sentence } = snapshot.verdict;
  print(
    up
      ? `Would open port ${mirrorPort} for ${from} and lead it to port ${realPort}: ${sentence}. Nothing was changed.\n`
      : `Would keep port ${mirrorPort} closed: ${sentence}. Nothing was changed.\n`,
  );
  return up ? 0 : 1;
}

async function firewallLines(args: GateArguments): Promise<readonly string[]> {
  const run = commandRunner(COMMAND_MS);
  const { mirrorPort } = args;
  const [nft, iptables, table, chain] = await Promise.all([
    run(["nft", "--version"]),
    run(["iptables", "--version"]),
    run(["nft", "-f", "-"], list({ mirrorPort } as GatePlan)),
    run(["iptables", "-w", "2", "-t", "nat", "-S"]),
  ]);
  const isOpen = isOpenInNft(table.stdout, mirrorPort) || isOpenIn(chain.stdout, { mirrorPort } as GatePlan);
  const [listener] = tcpListeners(mirrorPort);
  return [
    `nftables: ${versionOf(nft)}`,
    `iptables: ${versionOf(iptables)}`,
    `privilege: ${process.getuid?.() === 0 ? "root" : "not root: CAP_NET_ADMIN is needed"}`,
    `port ${mirrorPort} now: ${isOpen ? "open" : "closed"}`,
    ...(listener === undefined
      ? []
      : [`port ${mirrorPort} is in use by ${listener.program ?? "another program"}: choose another`]),
  ];
}

function versionOf({ code, stdout }: CommandResult): string {
  return code === 0 ? (stdout.split("\n")[0] ?? "").trim() : "not installed";
}
