import { type Finding, isOk, isWarning } from "./finding.ts";
import { covers, FIREWALL, letIn } from "./port-rule.ts";

/** `rules`: what `iptables -S INPUT` prints. */
export function judgeIptables(rules: string, port: number): Finding {
  const lines = rules.split("\n").map((line) => line.trim());
  const isForPort = (line: string): boolean => {
    const [, ports] = /--dports? (\S+)/.exec(line) ?? [];
    return ports?.split(",").some((range) => covers(range.split(":"), port)) === true;
  };
  let dropsByDefault = lines.includes("-P INPUT DROP");
  for (const line of lines) {
    if (!line.startsWith("-A INPUT")) continue;
    const isOfPort = isForPort(line);
    if (isOfPort && / -j ACCEPT\b/.test(line))
      return isOk(FIREWALL, `iptables lets port ${port} in: ${line}`);
    if (isOfPort && / -j (DROP|REJECT)\b/.test(line)) {
      return isWarning(FIREWALL, `iptables turns port ${port} away: ${line}`, letIn(port));
    }
    if (/^-A INPUT -j (DROP|REJECT)\b/.test(line)) dropsByDefault = true;
    if (line === "-A INPUT -j ACCEPT") return isOk(FIREWALL, "iptables lets everything in");
  }
  if (!dropsByDefault) return isOk(FIREWALL, "iptables lets in what it has no rule for");
  return isWarning(
    FIREWALL,
    `iptables drops what it has no rule for, and has none for port ${port}`,
    letIn(port),
  );
}
