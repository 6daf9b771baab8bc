import { expect, test } from "bun:test";
import { LiveScreen } from "./live-screen.ts";

function screen(columns: number, rows: number) {
  let written = "";
  const terminal = {
    size: () => ({ columns, rows }),
    write: (text: string) => {
      written += text;
    },
  };
  const taken = (): string => {
    const text = written;
    written = "";
    return text;
  };
  return { live: new LiveScreen(terminal), taken };
}

test("draws in place on the other screen, and gives the first one back", () => {
  const { live, taken } = screen(80, 24);
  live.draw(["a", "b"]);
  expect(taken()).toBe("\u001b[?1049h\u001b[?25l\u001b[Ha\u001b[K\r\nb\u001b[K\u001b[J");
  live.draw(["c"]);
  expect(taken()).toBe("\u001b[Hc\u001b[K\u001b[J");
  live.close();
  expect(taken()).toBe("\u001b[0m\u001b[?25h\u001b[?1049l");
  live.close();
  expect(taken()).toBe("");
});

test("draws what fits, and says what does not", () => {
  const { live, taken } = screen(3, 2);
  live.draw(["\u001b[32mabcdef\u001b[39m", "x", "y"]);
  const text = taken();
  expect(text).toContain("\u001b[32mabc\u001b[39m\u001b[K");
  expect(text).not.toContain("d");
  live.draw(["a", "b"]);
  expect(taken()).toBe("\u001b[Ha\u001b[K\r\nb\u001b[K\u001b[J");
});
