import { expect, test } from "bun:test";
import { readPicture } from "../../../test/support/fleet-picture.ts";
import { judgePicture } from "../../../test/support/judge-picture.ts";
import { galeramon } from "./galeramon.ts";
import { sstDonorList } from "./sst-donors.ts";

const PICTURE = `
  db1  synced@0 prio=3
  db2  synced@1 prio=1
  db3  synced@2 prio=2
  db4  synced@3
  db5  donor@4
  db6  synced@5 drain
  db7  down`;

function donors(picture: string, usePriority: boolean): string {
  const inputs = readPicture(picture, 0).map((server) => server.input);
  const options = { ...galeramon.defaults, usePriority };
  return sstDonorList(inputs, judgePicture(galeramon, picture, { options }).servers, options);
}

test("replicas, the most likely next primary last, and any other node after them", () => {
  expect(donors(PICTURE, false)).toBe("node-db4,node-db3,node-db2,");
});

test("with use_priority, by priority", () => {
  expect(donors(PICTURE, true)).toBe("node-db4,node-db1,node-db3,");
});

test("no synced replica: nobody to name", () => {
  expect(donors("db1 synced@0", false)).toBe("");
});
