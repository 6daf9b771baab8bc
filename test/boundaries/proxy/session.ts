// Breaks proxy-and-monitor-apart, and makes a cycle.
import { watch } from "../monitor/watch.ts";
export const session = (): unknown => watch;
