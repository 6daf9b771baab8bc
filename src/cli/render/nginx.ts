import { host } from "../../config/values/address.ts";
import { oneOf } from "../../config/values/choice.ts";
import { duration } from "../../config/values/duration.ts";
import { port } from "../../config/values/number.ts";
import { renderNginx } from "../../render/nginx.ts";
import { option } from "../command.ts";
import { fleetFrom, rendering } from "./rendering.ts";

const DEFAULT_MIRROR_PORT = 3308;
const seconds = duration({ bare: "s", minMs: 1000 });

export const NGINX = rendering({
  summary: "nginx.conf with a stream in front of the port gates",
  options: {
    balance: option(
      "algorithm",
      oneOf(["least_conn", "round_robin", "hash"]),
      "least_conn (default), round_robin, or hash of the client's address",
    ),
    bind: option("address", host(), "address that clients connect to (default: all)"),
    port: option("port", port(), "for clients (default: 3306)"),
    "mirror-port": option(
      "port",
      port(),
      "of the port gates (default: that of the port-gate publisher, else 3308)",
    ),
    "connect-timeout": option(
      "duration",
      duration({ bare: "s", minMs: 50 }),
      "for a connection to a server (default: 1s)",
    ),
    "idle-timeout": option("duration", seconds, "how long clients and servers may be silent (default: 8h)"),
    "fail-timeout": option("duration", seconds, "how long a server that refused is left alone (default: 1s)"),
  },
  render(sources, values) {
    const { publishers } = sources.configuration();
    const gate = [...publishers.values()].find((publisher) => publisher.module === "port-gate");
    const text = renderNginx(fleetFrom(sources), {
      balance: values.balance ?? "least_conn",
      bind: values.bind ?? "*",
      port: values.port ?? 3306,
      mirrorPort: values["mirror-port"] ?? gate?.parameters.mirror_port ?? DEFAULT_MIRROR_PORT,
      connectTimeoutMs: values["connect-timeout"] ?? 1000,
      idleTimeoutMs: values["idle-timeout"] ?? 28_800_000,
      failTimeoutMs: values["fail-timeout"] ?? 1000,
    });
    return { text, mode: 0o644 };
  },
});
