import { expect, test } from "bun:test";
import { missingServers, parseExpectation } from "./expected-servers.ts";

const server = (id: string, state: string) => ({
  id,
  type: "servers",
  attributes: { state },
  relationships: {},
});
const LISTED = [server("box03", "Master, Running"), server("box04", "Slave, Running")];
const wrong = (...words: readonly string[]) => missingServers(words.map(parseExpectation), LISTED);

test("all are listed, in their states", () => {
  expect(wrong("box03=Master", "box04=slave+Running")).toEqual([]);
  expect(wrong()).toEqual([]);
});

test("what is not as expected is named", () => {
  expect(wrong("box03=Slave", "box05")).toEqual([
    "box03 is not Slave, but Master, Running",
    "box05 is not listed; there is box03, box04",
  ]);
  expect(missingServers([], [])).toEqual(["no server is listed"]);
});

test.each(["=Master", "db1=", "db1=a=b"])("%s is refused", (text) => {
  expect(() => parseExpectation(text)).toThrow("expected SERVER, or SERVER=STATE");
});
