import { expect, test } from "bun:test";
import { Nft } from "./nft.ts";

const ended = (code: number | null): Nft =>
  new Nft(async () => ({ code, stdout: "what it printed", stderr: "" }));

test("a script that was refused is told apart from one of which nothing is known", async () => {
  expect(await ended(0).unlessRefused("list tables\n")).toBe("what it printed");
  expect(await ended(1).unlessRefused("list tables\n")).toBeUndefined();
  await expect(ended(null).unlessRefused("list tables\n")).rejects.toThrow("nft took too long");
  await expect(ended(127).unlessRefused("list tables\n")).rejects.toThrow("nft is not installed");
});
