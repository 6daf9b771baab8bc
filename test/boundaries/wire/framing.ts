// Breaks leaf-first and hot-path: wire/ may not know configuration.
import { setting } from "../config/setting.ts";
export const framing = setting;
