import type { FileAccess } from "../../config/file-access.ts";
import { loadConfiguration } from "../../config/load-configuration.ts";
import { serversOf } from "../../config/servers-of-service.ts";
import { errorMessage } from "../../errors/sluice-error.ts";
import { Conntrack } from "../../system/firewall/conntrack.ts";
import { firewallError } from "../../system/firewall/firewall-error.ts";
import { type Forwarding, readForwarding, requireForwarding } from "../../system/forwarding.ts";
import { commandRunner, type RunCommand } from "../../system/run-command.ts";
import { type Finding, isError, isOk } from "./finding.ts";

const SUBJECT = "kernel balancing";

/** Can this host do what the services with dataplane=kernel of its configuration need? Nothing where there is no such service. */
export async function examineKernelBalancing(
  configuration: string,
  files: FileAccess,
  deadlineMs: number,
): Promise<readonly Finding[]> {
  const wanted = kernelServices(configuration, files);
  if (wanted.length === 0) return [];
  const failures = [
    ...(await judgePrograms(commandRunner(deadlineMs))),
    ...wanted.flatMap((service) => judgeForwarding(service, readForwarding())),
  ];
  const names = wanted.map(({ name }) => name).join(", ");
  return failures.length > 0
    ? failures
    : [isOk(SUBJECT, `nft and conntrack work, and packets are passed on, for ${names}`)];
}

/** The addresses of a service's listeners, and of its servers. */
interface Wanted {
  readonly name: string;
  readonly listeners: readonly string[];
  readonly servers: readonly string[];
}

/** None, too, where the configuration cannot be read: `sluice config check` says why. */
function kernelServices(path: string, files: FileAccess): readonly Wanted[] {
  const result = loadConfiguration(path, files, process.env);
  if (!result.ok) return [];
  const { services, listeners, servers } = result.configuration;
  return [...services.values()].flatMap((service) => {
    if (service.module !== "readconnroute" || service.parameters.dataplane !== "kernel") return [];
    return [
      {
        name: service.name,
        listeners: [...listeners.values()]
          .filter(({ parameters }) => parameters.service === service.name)
          .map(({ parameters }) => parameters.address),
        servers: [...serversOf(service, result.configuration)].flatMap(
          (name) => servers.get(name)?.parameters.address ?? [],
        ),
      },
    ];
  });
}

export async function judgePrograms(run: RunCommand): Promise<readonly Finding[]> {
  const nft = await run(["nft", "list", "tables"]);
  const failures = nft.code === 0 ? [] : [firewallError("nft", nft)];
  const conntrack = await new Conntrack(run).list(4, { port: 1 }).then(
    () => [],
    (error: unknown) => [error],
  );
  return [...failures, ...conntrack].map((error) => isError(SUBJECT, errorMessage(error)));
}

function judgeForwarding({ name, listeners, servers }: Wanted, forwarding: Forwarding): readonly Finding[] {
  try {
    requireForwarding(listeners, servers, forwarding);
    return [];
  } catch (error) {
    return [isError(SUBJECT, `${name}: ${errorMessage(error)}`)];
  }
}
