import { type Exit, Process } from "./process.ts";

/** The switch: a network of its own. On end of input it clears the lab's folder and the uplink, however the lab ended. */
const SWITCH = `
  for part in ip6tables iptables arptables; do
    echo 0 >/proc/sys/net/bridge/bridge-nf-call-$part
  done 2>/dev/null
  echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6
  echo ready
  read -r _
  ip link delete uplink
  for _ in {1..100}; do
    rm -rf -- "$1" && break
    sleep 0.1
  done 2>/dev/null`;

/** A host: its own network, processes, host name, /etc, /run, /var/tmp and /dev/shm. Its first process reaps orphans. */
const HOST = `
  set -e
  hostname "$1"
  for folder in etc run var/tmp dev/shm; do mount --bind "$2/$folder" "/$folder"; done
  mount --bind "$3" /etc/hosts
  for family in all default; do
    echo 0 >/proc/sys/net/ipv6/conf/$family/accept_dad
    echo 0 >/proc/sys/net/ipv6/conf/$family/accept_ra
  done
  ip link set lo up
  echo ready
  read -r _ || true`;

/**
 * Namespaces that live as long as their first process, which lives as long as this one holds its standard input open.
 * So they end with this process even if that is killed: the kernel closes the pipe, the first process sees the end of
 * its input, and with the first process of a PID namespace everything in it dies, daemons of daemons included.
 */
export class Namespace {
  /** What to put before a command so that it runs inside; ends in an unfinished option list of setpriv. */
  readonly enter: readonly string[];
  readonly #first: Process;

  static async openSwitch(folder: string): Promise<Namespace> {
    const unshare = ["unshare", "--net", "--"];
    return await Namespace.#open([...unshare, "bash", "-c", SWITCH, "lab-switch", folder], false);
  }

  /** @param folder holds etc, run, var/tmp and dev/shm @param hostsFile becomes /etc/hosts */
  static async openHost(name: string, folder: string, hostsFile: string): Promise<Namespace> {
    const unshare = [
      "unshare",
      "--net",
      "--pid",
      "--mount",
      "--uts",
      "--ipc",
      "--fork",
      "--kill-child",
      "--mount-proc",
      "--",
    ];
    return await Namespace.#open([...unshare, "bash", "-c", HOST, "lab-host", name, folder, hostsFile], true);
  }

  static async #open(argv: readonly string[], isWrapped: boolean): Promise<Namespace> {
    const first = await Process.start(argv, { keepInputOpen: true, isWrapped });
    await first.waitForOutput(/^ready$/m);
    return new Namespace(first, isWrapped);
  }

  private constructor(first: Process, isHost: boolean) {
    this.#first = first;
    const kinds = isHost ? ["--net", "--pid", "--mount", "--uts", "--ipc"] : ["--net"];
    this.enter = ["nsenter", `--target=${first.pid}`, ...kinds, "setpriv"];
  }

  /** The pid of the first process, as seen from outside. */
  get pid(): number {
    return this.#first.pid;
  }

  /** Ends the namespaces; resolves when nothing that ran in them is left. */
  async close(): Promise<Exit> {
    this.#first.closeInput();
    return await this.#first.ended();
  }
}
