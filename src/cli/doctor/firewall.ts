import { execFile } from "node:child_process";
import { errorMessage } from "../../errors/sluice-error.ts";
import { type Finding, isSkipped } from "./finding.ts";
import { judgeIptables } from "./iptables.ts";
import { judgeNft } from "./nft.ts";
import { FIREWALL } from "./port-rule.ts";

/** Does the packet filter let balancers reach the port? Warnings only: rules can say more than is read here. */
export async function examineFirewall(port: number, deadlineMs: number): Promise<readonly Finding[]> {
  const [nft, iptables] = await Promise.all([
    output("nft", ["-j", "list", "ruleset"], deadlineMs),
    output("iptables", ["-S", "INPUT"], deadlineMs),
  ]);
  const findings = [
    typeof nft === "string" ? judgeNft(nft, port) : nft,
    typeof iptables === "string" ? judgeIptables(iptables, port) : iptables,
  ];
  const warnings = findings.filter(({ severity }) => severity === "warning");
  return warnings.length > 0 ? warnings : findings.slice(0, findings[0]?.severity === "ok" ? 1 : 2);
}

/** The command's output, or why there is none. */
function output(command: string, args: readonly string[], deadlineMs: number): Promise<string | Finding> {
  const env = { ...process.env, PATH: `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin`, LC_ALL: "C" };
  const options = { env, timeout: deadlineMs, killSignal: "SIGKILL", maxBuffer: 8 * 1024 * 1024 } as const;
  return new Promise((resolve) => {
    execFile(command, [...args], options, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else resolve(isSkipped(FIREWALL, `${command}: ${notRun(error, stderr)}`));
    });
  });
}

function notRun(error: Error & { readonly code?: unknown }, stderr: string): string {
  if (error.code === "ENOENT") return "not installed";
  return stderr.split("\n", 1)[0]?.trim() || errorMessage(error);
}
