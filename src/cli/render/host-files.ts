import { dirname } from "node:path";
import type { Configuration } from "../../config/configuration.ts";
import { network } from "../../config/values/address.ts";
import { oneOf } from "../../config/values/choice.ts";
import { integer, port } from "../../config/values/number.ts";
import { list, path, text } from "../../config/values/text.ts";
import { renderLogrotate } from "../../render/logrotate.ts";
import { renderSystemd } from "../../render/systemd.ts";
import { renderXinetd } from "../../render/xinetd.ts";
import { option } from "../command.ts";
import { rendering } from "./rendering.ts";

const DEFAULT_USER = "sluice";
const user = option("user", text("an account name"), "account that it runs as (default: sluice)");

export const XINETD = rendering({
  summary: "a service of xinetd that answers as a script does",
  options: {
    persona: option(
      "name",
      oneOf(["clustercheck", "mysqlchk", "connectorchk"]),
      "clustercheck (default), mysqlchk or connectorchk",
    ),
    port: option("port", port(), "to answer on (default: 9200)"),
    "only-from": option("networks", list(network()), "who may ask (default: everybody)"),
    user,
  },
  render({ sluice }, values) {
    const text = renderXinetd({
      persona: values.persona ?? "clustercheck",
      port: values.port ?? 9200,
      user: values.user ?? DEFAULT_USER,
      onlyFrom: values["only-from"],
      sluice,
    });
    return { text, mode: 0o644 };
  },
});

export const SYSTEMD = rendering({
  summary: "sluice.service, for `sluice run` with this configuration",
  options: { user },
  render({ configPath, configuration, sluice }, values) {
    const text = renderSystemd({
      config: configPath,
      user: values.user ?? DEFAULT_USER,
      sluice,
      ...needsOf(configuration()),
    });
    return { text, mode: 0o644 };
  },
});

/** What the objects of the configuration do outside of Sluice's own directories. */
function needsOf({ publishers, services }: Configuration) {
  const objects = [...publishers.values()];
  const files = objects.flatMap((one) => (one.module === "track-file" ? [dirname(one.parameters.file)] : []));
  const isKernel = [...services.values()].some(
    ({ parameters }) => "dataplane" in parameters && parameters.dataplane === "kernel",
  );
  return {
    needsFirewall: isKernel || objects.some(({ module }) => module === "port-gate"),
    writable: [...new Set(files)].filter((directory) => !directory.startsWith("/run/sluice")).sort(),
  };
}

export const LOGROTATE = rendering({
  summary: "rotation of Sluice's log files",
  options: {
    files: option("pattern", path(), "the files (default: /var/log/sluice/*.log)"),
    keep: option("count", integer(1, 1000), "old files to keep (default: 8)"),
    every: option("period", oneOf(["daily", "weekly", "monthly"]), "daily, weekly (default) or monthly"),
    unit: option("name", text("a unit"), "the unit that is told (default: sluice.service)"),
    user,
  },
  render(_sources, values) {
    const text = renderLogrotate({
      files: values.files ?? "/var/log/sluice/*.log",
      keep: values.keep ?? 8,
      every: values.every ?? "weekly",
      user: values.user ?? DEFAULT_USER,
      unit: values.unit ?? "sluice.service",
    });
    return { text, mode: 0o644 };
  },
});
