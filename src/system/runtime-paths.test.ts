import { expect, test } from "bun:test";
import { runtimePaths } from "./runtime-paths.ts";

const XDG = { XDG_RUNTIME_DIR: "/run/user/1000" };
const nothing = (): boolean => false;
const everything = (): boolean => true;

test.each([
  ["the flag wins", "/a", { SLUICE_RUNTIME_DIR: "/b", ...XDG }, true, everything, "/a"],
  ["then the variable", undefined, { SLUICE_RUNTIME_DIR: "/b", ...XDG }, true, everything, "/b"],
  ["an empty one says nothing", "", { SLUICE_RUNTIME_DIR: "" }, true, nothing, "/run/sluice"],
  ["root", undefined, XDG, true, nothing, "/run/sluice"],
  ["a user where the system's daemon runs", undefined, XDG, false, everything, "/run/sluice"],
  ["a user elsewhere", undefined, XDG, false, nothing, "/run/user/1000/sluice"],
  ["a user without a session, as under xinetd", undefined, {}, false, nothing, "/run/sluice"],
])("%s", (_name, flag, env, isRoot, exists, directory) => {
  expect(runtimePaths(flag, env, isRoot, exists)).toEqual({
    directory,
    agentSocket: `${directory}/agent.sock`,
    controlSocket: `${directory}/control.sock`,
    adminSocket: `${directory}/admin.sock`,
  });
});
