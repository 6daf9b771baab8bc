import { expect, test } from "bun:test";
import { parseQuery } from "../http/query.ts";
import { shapeDocument } from "./collection-query.ts";
import type { Resource } from "./document.ts";

const resource = (id: string, state: string, connections: number): Resource => ({
  id,
  type: "servers",
  attributes: { state, statistics: { connections, total: 9 }, list: [{ a: 1 }] },
  relationships: { services: { data: [{ id: "rw", type: "services" }], links: { related: "r", self: "s" } } },
  links: { self: "x" },
});
const data = [resource("db1", "Master, Running", 1), resource("db2", "Down", 0), resource("db3", "Down", 2)];
const shape = (query: string) => shapeDocument({ data, links: { self: "all" } }, parseQuery(query));
const ids = (query: string) => (shape(query).data as readonly Resource[]).map(({ id }) => id);

test("fields leaves the rest of attributes and relationships out", () => {
  const only = (query: string) => (shape(query).data as readonly Resource[])[0];
  expect(only("fields[servers]=state")).toMatchObject({
    id: "db1",
    attributes: { state: "Master, Running" },
  });
  expect(only("fields[servers]=state")?.attributes).toEqual({ state: "Master, Running" });
  expect(only("fields[servers]=statistics/connections,list")?.attributes).toEqual({
    statistics: { connections: 1 },
    list: [{ a: 1 }],
  });
  expect(only("fields[servers]=services")?.relationships).toHaveProperty("services.data");
  expect(only("fields[servers]=")?.attributes).toEqual({});
  expect(only("fields[monitors]=state")).toEqual(data[0] as Resource);
  const [first] = data;
  const one = shapeDocument({ data: first as Resource, links: {} }, parseQuery("fields%5Bservers%5D=/state"));
  expect((one.data as Resource).attributes).toEqual({ state: "Master, Running" });
});

test("filter compares one value of each element", () => {
  expect(ids('filter=/attributes/state="Down"')).toEqual(["db2", "db3"]);
  expect(ids("filter=/attributes/statistics/connections=2")).toEqual(["db3"]);
  expect(ids('filter=/relationships/services/data/0/id="rw"')).toHaveLength(3);
  expect(ids('filter=/attributes/__proto__="x"')).toEqual([]);
  for (const wrong of ["filter=state", "filter=/a", "filter=/a=Down", "filter=a=1"]) {
    expect(() => shape(wrong)).toThrow(/expected a JSON pointer/);
  }
});

test("pages count from 0; what is no number is passed over", () => {
  expect(ids("page[size]=2")).toEqual(["db1", "db2"]);
  expect(ids("page[size]=2&page[number]=1")).toEqual(["db3"]);
  expect(ids("page[size]=2&page[number]=9")).toEqual([]);
  expect(ids("page[size]=0")).toHaveLength(3);
  expect(ids("page[size]=x&page[number]=-1")).toHaveLength(3);
});

test("bare arguments keep their order, and repeat", () => {
  expect(parseQuery("m&2&1&2&a%20b&c=d").parts).toEqual(["m", "2", "1", "2", "a b", "c=d"]);
  expect(parseQuery("").parts).toEqual([]);
  expect(() => parseQuery("a=%zz")).toThrow(/cannot be decoded/);
  expect(() => parseQuery("a&".repeat(101))).toThrow(/more than 100/);
});
