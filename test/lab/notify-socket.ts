import type { Host } from "./host.ts";
import type { Process } from "./process.ts";

/** A notification as systemd would get it, and when. */
export interface Notification {
  /** ms since 1970 */
  readonly at: number;
  readonly text: string;
}

// node: has no datagram unix sockets, and every Debian has perl. A message is one line: when, then its text with \n as |.
const LISTENER = `
  use Socket; use Time::HiRes;
  socket(my $s, AF_UNIX, SOCK_DGRAM, 0) or die $!;
  bind($s, sockaddr_un($ARGV[0])) or die $!;
  chmod 0777, $ARGV[0];
  $| = 1; print "listening\\n";
  while (defined recv($s, my $m, 65536, 0)) { $m =~ tr/\\n/|/; printf "%d %s\\n", Time::HiRes::time * 1000, $m }`;

/** The socket on which systemd hears how a service does: sd_notify(3). */
export class NotifySocket {
  /** For NOTIFY_SOCKET, as seen on the host. */
  readonly path: string;
  readonly #process: Process;

  static async open(host: Host, path: string): Promise<NotifySocket> {
    const process = await host.spawn(["perl", "-e", LISTENER, path]);
    await process.waitForOutput(/^listening$/m);
    return new NotifySocket(path, process);
  }

  private constructor(path: string, process: Process) {
    this.path = path;
    this.#process = process;
  }

  /** What has come so far, in order. */
  get notifications(): readonly Notification[] {
    return Array.from(this.#process.stdout.matchAll(/^(\d+) (.*)$/gm), ([, at, text = ""]) => ({
      at: Number(at),
      text: text.replaceAll("|", "\n"),
    }));
  }

  /** Those that hold the line, such as `WATCHDOG=1`. */
  of(line: string): readonly Notification[] {
    return this.notifications.filter(({ text }) => text.split("\n").includes(line));
  }
}
