import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { eventually } from "../eventually.ts";
import { HaProxy } from "./ha-proxy.ts";
import type { Host } from "./host.ts";
import { startKeepalived } from "./keepalived.ts";
import { Lab } from "./lab.ts";
import { startNginx } from "./nginx.ts";
import { runSluice, sluiceAs } from "./sluice.ts";
import { socketActivate } from "./socket-activate.ts";
import { startXinetd } from "./xinetd.ts";

let lab: Lab;
let balancer: Host;
let web: Host;
let spare: Host;

beforeAll(async () => {
  lab = await Lab.create({ name: "daemons" });
  [balancer, web, spare] = await Promise.all([lab.host("balancer"), lab.host("web"), lab.host("spare")]);
  await Promise.all(
    [web, spare].map((host) =>
      startNginx(
        host,
        `http { access_log off; server { listen [::]:80 ipv6only=off; return 200 "${host.name} $request_method\\n"; } }`,
        [80],
      ),
    ),
  );
});
afterAll(async () => {
  await lab.destroy();
});

describe("nginx", () => {
  test("serves http to the test and streams to other hosts", async () => {
    expect(await web.http("/", { port: 80 })).toMatchObject({ status: 200, body: "web GET\n" });
    expect((await web.http("/x", { port: 80, method: "POST", body: "text" })).body).toBe("web POST\n");
    await startNginx(balancer, `stream { server { listen 8080; proxy_pass ${web.address}:80; } }`, [8080]);
    expect((await balancer.http("/", { port: 8080 })).body).toBe("web GET\n");
    expect((await spare.run(["curl", "-s", "http://balancer:8080/"])).stdout).toBe("web GET\n");
  });

  test("serves https, which the test checks against the lab's authority", async () => {
    const { address, address6 } = balancer;
    const own = await lab.certificate("balancer", { names: [address, address6] });
    const strange = await lab.certificate("strange", { authority: "stranger" });
    const tls = `ssl_certificate ${own.certificate}; ssl_certificate_key ${own.key};`;
    await startNginx(
      balancer,
      `http { server { listen [::]:443 ssl ipv6only=off; ${tls} return 204; } }`,
      [443],
    );
    expect((await balancer.http("/", { port: 443, authority: own.authority })).status).toBe(204);
    expect((await balancer.http("/", { port: 443, authority: own.authority, family: 6 })).status).toBe(204);
    await expect(balancer.http("/", { port: 443, authority: strange.authority })).rejects.toThrow();
  });

  test("that cannot start says why", async () => {
    await expect(startNginx(balancer, "nonsense;", [81])).rejects.toThrow('unknown directive "nonsense"');
    await expect(balancer.http("/", { port: 81 })).rejects.toThrow();
  });
});

describe("HAProxy", () => {
  const configuration = (servers: string): string => `
defaults
  mode http
  timeout connect 1s
  timeout client 5s
  timeout server 5s
frontend front
  bind :9000
  default_backend pool
backend pool
  option httpchk
  default-server check inter 100ms rise 1 fall 1
${servers}`;

  test("checks, tells why a server is down, and reloads", async () => {
    const web1 = `  server web ${web.address}:80\n`;
    const proxy = await HaProxy.start(balancer, configuration(`${web1}  server spare ${spare.address}:80\n`));
    await eventually(async () => (await proxy.statsOf("pool", "web"))["status"] === "UP");
    expect((await balancer.http("/", { port: 9000 })).status).toBe(200);
    await spare.drop({ port: 80 });
    await eventually(async () => (await proxy.statsOf("pool", "spare"))["status"] === "DOWN");
    expect((await proxy.statsOf("pool", "spare"))["check_status"]).toMatch(/^L[47]TOUT$/);
    expect((await balancer.http("/", { port: 9000 })).body).toBe("web GET\n");
    await spare.restore();
    await eventually(async () => (await proxy.statsOf("pool", "spare"))["status"] === "UP");
    await proxy.command("set server pool/spare state drain");
    expect((await proxy.statsOf("pool", "spare"))["status"]).toBe("DRAIN");
    await proxy.reload(configuration(web1));
    expect((await proxy.stats()).map((line) => line["svname"])).toEqual(["FRONTEND", "web", "BACKEND"]);
    await proxy.stop();
  });

  test("that cannot start says why", async () => {
    await expect(HaProxy.start(balancer, "nonsense")).rejects.toThrow("unknown keyword 'nonsense'");
  });
});

test("xinetd starts a program per connection", async () => {
  web.write("/etc/hello", "#!/bin/sh\nid -un; cat\n", 0o755);
  await startXinetd(
    web,
    `service hello
    {
      type = UNLISTED
      port = 9100
      socket_type = stream
      wait = no
      user = nobody
      server = /etc/hello
    }`,
    [9100],
  );
  expect((await spare.run(["nc", "-N", "web", "9100"], { stdin: "echoed\n" })).stdout).toBe(
    "nobody\nechoed\n",
  );
  const mistaken = startXinetd(spare, "service hello\n{\n  wait = no\n}", []);
  await expect(mistaken).rejects.toThrow("xinetd on spare: ERROR: Must specify a server in hello");
});

test("socket activation starts a program per connection, or one for all", async () => {
  await socketActivate(web, ["sh", "-c", "echo $GREETING; cat"], { port: 9101, env: { GREETING: "hello" } });
  expect((await spare.run(["nc", "-N", "web", "9101"], { stdin: "echoed\n" })).stdout).toBe(
    "hello\nechoed\n",
  );
  const one = await socketActivate(web, ["sh", "-c", "echo $LISTEN_FDS; sleep 1000"], {
    port: 9102,
    isPerConnection: false,
  });
  await spare.run(["nc", "-z", "web", "9102"]);
  await one.waitForOutput(/^1$/m);
});

test("keepalived moves an address to the spare when the master's host is cut off, and back", async () => {
  const address = `${lab.address.replace(/\.1$/, "")}.250`;
  const configuration = (priority: number): string => `
global_defs {
  vrrp_version 3
  vrrp_garp_master_delay 0
}
vrrp_instance lab {
  state BACKUP
  interface eth0
  virtual_router_id 51
  priority ${priority}
  advert_int 0.1
  virtual_ipaddress {
    ${address}/24
  }
}`;
  await startKeepalived(web, configuration(150));
  await startKeepalived(spare, configuration(100));
  await eventually(async () => (await web.hasAddress(address)) && !(await spare.hasAddress(address)));
  const through = async (): Promise<string> =>
    (await balancer.run(["curl", "-sm1", `http://${address}/`], { mayFail: true })).stdout;
  await eventually(async () => (await through()) === "web GET\n");
  await web.cut();
  await eventually(async () => (await through()) === "spare GET\n");
  await web.restore();
  await eventually(async () => (await through()) === "web GET\n");
});

test("sluice runs on a host, under other names too", async () => {
  const { stdout } = await runSluice(web, ["--version"]);
  expect(stdout.trim()).not.toBe("");
  expect((await web.run([sluiceAs(web, "sluice-by-another-name"), "--version"])).stdout).toBe(stdout);
});
