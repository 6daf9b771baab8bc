import { expect, test } from "bun:test";
import { connectionsPerProcess } from "./open-files.ts";

test.each([
  ["1024                 524288               files", 493],
  ["20000                20000                files", 9981],
  ["unlimited            unlimited            files", 1_000_000],
  ["10                   10                   files", 0],
])("open files: %s", (line, most) => {
  expect(connectionsPerProcess(`Max processes 1 1 processes\nMax open files            ${line}\n`)).toBe(
    most,
  );
});
