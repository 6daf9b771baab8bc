import { comment, configText } from "./config-text.ts";

export interface LogrotateOptions {
  /** A file, or several by a pattern. */
  readonly files: string;
  readonly keep: number;
  readonly every: "daily" | "weekly" | "monthly";
  readonly user: string;
  /** The unit that is told to open its log anew. */
  readonly unit: string;
}

/** /etc/logrotate.d/sluice. */
export function renderLogrotate({ files, keep, every, user, unit }: LogrotateOptions): string {
  return configText(
    comment("Sluice's log files. Made by `sluice render logrotate`."),
    `${files} {`,
    [
      every,
      `rotate ${keep}`,
      "missingok",
      "notifempty",
      "compress",
      "delaycompress",
      `create 0640 ${user} adm`,
    ].map((line) => `\t${line}`),
    "\tsharedscripts",
    "\t# SIGHUP: the log begins anew. Nothing is copied and truncated, so that no line is lost.",
    "\tpostrotate",
    `\t\tsystemctl kill --kill-who=main --signal=HUP ${unit} 2>/dev/null || true`,
    "\tendscript",
    "}",
  );
}
