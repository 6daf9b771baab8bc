import { expect, test } from "bun:test";
import { AccountPlaces } from "./account-places.ts";
import type { ClientIdentity } from "./logged-in.ts";

const of = (account: string, maxUserConnections: number) =>
  ({ account, maxUserConnections }) as ClientIdentity;

test("an account has as many sessions as it is allowed", () => {
  const places = new AccountPlaces();
  const [few, free] = [of("few@%", 2), of("free@%", 0)];
  expect([few, few, few].map((client) => places.take(client))).toEqual([true, true, false]);
  expect([free, free, free].map((client) => places.take(client))).toEqual([true, true, true]);
  places.leave(few);
  expect([few, few].map((client) => places.take(client))).toEqual([true, false]);
});
