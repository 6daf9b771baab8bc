import { session } from "../proxy/session.ts";
export const watch = (): unknown => session;
