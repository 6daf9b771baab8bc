/** Lines around a change that are shown with it. */
const CONTEXT = 3;

type Step = { readonly sign: " " | "-" | "+"; readonly line: string };

/**
 * What has to change in `before` to make it `after`, as `diff -u` shows it; empty where they are equal. For files of a few
 * thousand lines: time and space grow with the product of both.
 */
export function lineDifference(before: string, after: string, beforeName: string, afterName: string): string {
  if (before === after) return "";
  const steps = stepsBetween(linesOf(before), linesOf(after));
  return [`--- ${beforeName}`, `+++ ${afterName}`, ...hunks(steps), ""].join("\n");
}

function linesOf(text: string): readonly string[] {
  if (text === "") return [];
  const lines = text.split("\n");
  const last = lines.pop() ?? "";
  return last === "" ? lines : [...lines, `${last}\n\\ No newline at end of file`];
}

/** By the longest common subsequence, from the back so that it is read off from the front. */
function stepsBetween(before: readonly string[], after: readonly string[]): readonly Step[] {
  const width = after.length + 1;
  const common = new Uint32Array((before.length + 1) * width);
  const at = (i: number, j: number): number => common[i * width + j] ?? 0;
  for (let i = before.length - 1; i >= 0; i--) {
    for (let j = after.length - 1; j >= 0; j--) {
      common[i * width + j] =
        before[i] === after[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const steps: Step[] = [];
  let i = 0;
  let j = 0;
  while (i < before.length || j < after.length) {
    if (i < before.length && j < after.length && before[i] === after[j]) {
      steps.push({ sign: " ", line: before[i] ?? "" });
      i++;
      j++;
    } else if (i < before.length && (j === after.length || at(i + 1, j) >= at(i, j + 1))) {
      steps.push({ sign: "-", line: before[i++] ?? "" });
    } else steps.push({ sign: "+", line: after[j++] ?? "" });
  }
  return steps;
}

function hunks(steps: readonly Step[]): readonly string[] {
  const lines: string[] = [];
  let fromLine = 1;
  let toLine = 1;
  for (let at = 0; at < steps.length; ) {
    const changed = steps.findIndex((step, index) => index >= at && step.sign !== " ");
    if (changed < 0) break;
    const start = Math.max(at, changed - CONTEXT);
    const skipped = start - at;
    fromLine += skipped;
    toLine += skipped;
    const end = hunkEnd(steps, changed);
    const hunk = steps.slice(start, end);
    const from = hunk.filter(({ sign }) => sign !== "+").length;
    const to = hunk.filter(({ sign }) => sign !== "-").length;
    lines.push(`@@ -${range(fromLine, from)} +${range(toLine, to)} @@`);
    lines.push(...hunk.map(({ sign, line }) => sign + line));
    fromLine += from;
    toLine += to;
    at = end;
  }
  return lines;
}

/** Past the last change that is no further than two contexts from the one before, and its context. */
function hunkEnd(steps: readonly Step[], changed: number): number {
  let last = changed;
  for (let index = changed; index < steps.length && index <= last + 2 * CONTEXT; index++) {
    if (steps[index]?.sign !== " ") last = index;
  }
  return Math.min(steps.length, last + 1 + CONTEXT);
}

const range = (line: number, count: number): string => `${count === 0 ? line - 1 : line},${count}`;
