import { eventually } from "../eventually.ts";
import type { Lab } from "./lab.ts";
import { MariaDb } from "./maria-db.ts";
import { VrrpHost, type VrrpSettings } from "./vrrp-host.ts";

/** Two hosts, box01 the MASTER, that share a virtual address, in front of one server. */
export class VrrpPair {
  readonly vip: string;
  readonly boxes: readonly [VrrpHost, VrrpHost];

  static async start(
    lab: Lab,
    settings: Pick<VrrpSettings, "prepare" | "render" | "edit"> = {},
  ): Promise<VrrpPair> {
    const server = await MariaDb.start(await lab.host("db1"));
    await server.sql("CREATE USER monitor@'%' IDENTIFIED BY 'Monitor 1'; GRANT ALL ON *.* TO monitor@'%'");
    const [one, two] = await Promise.all([lab.host("box01"), lab.host("box02")]);
    const vip = one.address.replace(/\d+$/, "200");
    const boxes = await Promise.all([
      VrrpHost.start(one, { role: "master", vip, server, ...settings }),
      VrrpHost.start(two, { role: "backup", vip, server, ...settings }),
    ]);
    const pair = new VrrpPair(vip, boxes);
    await pair.isWith(boxes[0]);
    return pair;
  }

  private constructor(vip: string, boxes: readonly [VrrpHost, VrrpHost]) {
    this.vip = vip;
    this.boxes = boxes;
  }

  /** Resolves once `box` alone holds the address, it is active and the other one passive. */
  async isWith(box: VrrpHost, { butNot = [] as readonly VrrpHost[] } = {}): Promise<void> {
    const look = async (other: VrrpHost): Promise<void> => {
      if (butNot.includes(other)) return;
      const [address, passive] = [other.holdsAddress, await other.isPassive()];
      if (address !== (other === box)) throw new Error(`${other.host.name} has the address: ${address}`);
      if (passive !== (other !== box)) throw new Error(`${other.host.name} is passive: ${passive}`);
    };
    await eventually(
      async () => {
        await Promise.all(this.boxes.map(look));
        return true;
      },
      { within: 20_000, every: 50, what: `the address is with ${box.host.name}, and the flags follow` },
    );
  }
}
