import { comment, configText } from "./config-text.ts";

export interface SystemdOptions {
  /** The configuration file of `sluice run`. */
  readonly config: string;
  readonly user: string;
  /** The executable. */
  readonly sluice: string;
  /** The port gate and kernel balancing change the firewall. */
  readonly needsFirewall: boolean;
  /** Directories besides /run/sluice, /var/lib/sluice and /var/log/sluice that it writes to. */
  readonly writable: readonly string[];
}

/** sluice.service: the daemon of a configuration file. */
export function renderSystemd(options: SystemdOptions): string {
  const { config, user, sluice, needsFirewall, writable } = options;
  const capabilities = "CAP_SETUID CAP_SETGID CAP_CHOWN CAP_FOWNER CAP_DAC_OVERRIDE CAP_NET_BIND_SERVICE";
  return configText(
    comment("Sluice as a service. Made by `sluice render systemd`."),
    "[Unit]",
    "Description=Sluice: decides which database server may take traffic",
    "Documentation=man:sluice(8)",
    comment("Not Requires=: that a server is down is what it has to tell."),
    "After=network-online.target mariadb.service mysql.service mysqld.service",
    "Wants=network-online.target",
    "",
    "[Service]",
    "Type=notify",
    comment("A configuration that is wrong is said here, and nothing is started."),
    `ExecStartPre=${sluice} config check ${config}`,
    needsFirewall
      ? [comment("Root: it changes the firewall."), `ExecStart=${sluice} run --config ${config}`]
      : [
          comment("Root only until the ports are open."),
          `ExecStart=${sluice} run --config ${config} --run-as ${user}`,
        ],
    "ExecReload=/bin/kill -HUP $MAINPID",
    comment("Answered only while the probes get on."),
    "WatchdogSec=10s",
    "TimeoutStartSec=30s",
    needsFirewall
      ? [
          comment("A second, but for rules, which are taken away however slow the machine is."),
          "TimeoutStopSec=25s",
        ]
      : "TimeoutStopSec=5s",
    "Restart=always",
    "RestartSec=500ms",
    "RuntimeDirectory=sluice",
    "RuntimeDirectoryMode=0755",
    "StateDirectory=sluice",
    "StateDirectoryMode=0700",
    "LogsDirectory=sluice",
    "LimitNOFILE=1048576",
    "OOMScoreAdjust=-500",
    comment("No PrivateTmp=: off-switch files and sockets of servers are in the real one."),
    "NoNewPrivileges=yes",
    `CapabilityBoundingSet=${capabilities}${needsFirewall ? " CAP_NET_ADMIN CAP_NET_RAW" : ""}`,
    "ProtectSystem=strict",
    writable.length === 0 ? undefined : `ReadWritePaths=${writable.join(" ")}`,
    "ProtectHome=read-only",
    "ProtectClock=yes",
    "ProtectControlGroups=yes",
    "ProtectHostname=yes",
    "ProtectKernelLogs=yes",
    needsFirewall ? undefined : "ProtectKernelModules=yes",
    "ProtectKernelTunables=yes",
    "PrivateDevices=yes",
    "LockPersonality=yes",
    "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK",
    "RestrictNamespaces=yes",
    "RestrictRealtime=yes",
    "RestrictSUIDSGID=yes",
    "SystemCallArchitectures=native",
    "",
    "[Install]",
    "WantedBy=multi-user.target",
  );
}
