import { describe, expect, test } from "bun:test";
import { memoryFiles } from "../../../test/support/memory-files.ts";
import type { FileAccess } from "../../config/file-access.ts";
import { SluiceError } from "../../errors/sluice-error.ts";
import { parseArguments } from "../parse-arguments.ts";
import { command } from "./clustercheck.ts";
import { PERSONA_OPTIONS, type PersonaDefaults, type PersonaSettings, personaSettings } from "./settings.ts";

const DEFAULTS: PersonaDefaults = {
  name: "clustercheck",
  user: "clustercheckuser",
  password: "clustercheckpassword!",
  host: undefined,
  disableFile: "/var/tmp/clustercheck.disabled",
  defaultsExtraFile: "/etc/my.cnf",
};

interface Given {
  readonly args?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  readonly files?: FileAccess;
}

function settings({ args = [], env = {}, files = memoryFiles({}) }: Given): PersonaSettings {
  const spec = { ...command.spec, options: PERSONA_OPTIONS };
  const { values, operands } = parseArguments(spec, args, true);
  return personaSettings(DEFAULTS, values, operands, env, files);
}

/** What differs from the settings of a clustercheck that was told nothing. */
function changes(given: Given): Record<string, unknown> {
  const flat = ({ connection, password, ...rest }: PersonaSettings): Record<string, unknown> => ({
    ...connection,
    ...rest,
    password: password?.reveal(),
  });
  const before = flat(settings({}));
  return Object.fromEntries(
    Object.entries(flat(settings(given))).filter(([key, value]) => value !== before[key]),
  );
}

test("the script's own defaults", () => {
  expect(settings({ files: memoryFiles({ "/etc/my.cnf": "" }) })).toMatchObject({
    connection: { user: "clustercheckuser", defaultsExtraFile: "/etc/my.cnf" },
    availableWhenDonor: "never",
    availableWhenReadonly: true,
    errorFile: "/dev/null",
    disableFile: "/var/tmp/clustercheck.disabled",
    timeoutMs: 1000,
  });
  expect(settings({}).password?.reveal()).toBe("clustercheckpassword!");
});

describe("the positional arguments", () => {
  const files = memoryFiles({ "/etc/monitor.cnf": "" });

  test.each([
    [["u"], { user: "u" }],
    [["u", "p"], { user: "u", password: "p" }],
    [["u", "-p"], { user: "u", password: "-p" }],
    [["u", "p", "1"], { user: "u", password: "p", availableWhenDonor: "always" }],
    [["u", "p", "0"], { user: "u", password: "p" }],
    [["u", "p", "nonblocking"], { user: "u", password: "p", availableWhenDonor: "nonblocking" }],
    [["u", "p", "0", "/log"], { user: "u", password: "p", errorFile: "/log" }],
    [
      ["u", "p", "0", "/log", "0"],
      { user: "u", password: "p", errorFile: "/log", availableWhenReadonly: false },
    ],
    [
      ["u", "p", "", "", "", "/etc/monitor.cnf"],
      { user: "u", password: "p", defaultsExtraFile: "/etc/monitor.cnf" },
    ],
    [["", ""], { user: "", password: undefined }],
    [["--timeout", "3s", "u"], { user: "u", timeoutMs: 3000 }],
  ])("%j", (args, expected) => {
    expect(changes({ args, files })).toEqual(expected);
  });
});

test("a defaults file that cannot be read is done without, as the script does", () => {
  expect(
    settings({ args: ["u", "p", "0", "/log", "1", "/gone.cnf"] }).connection.defaultsExtraFile,
  ).toBeUndefined();
});

describe("precedence", () => {
  const env = {
    MYSQL_USERNAME: "from-env",
    MYSQL_PASSWORD: "env",
    AVAILABLE_WHEN_READONLY: "0",
    TIMEOUT: "2",
  };
  const sysconfig = `MYSQL_USERNAME="from-file"\nAVAILABLE_WHEN_DONOR=1\nMYSQL_HOST=localhost\nMYSQL_PORT=3307\n`;
  const files = memoryFiles({ "/etc/sysconfig/clustercheck": sysconfig });

  test("the environment over the defaults", () => {
    expect(changes({ env })).toEqual({
      user: "from-env",
      password: "env",
      availableWhenReadonly: false,
      timeoutMs: 2000,
    });
  });

  test("the file that the script sources over the environment", () => {
    expect(changes({ env, files })).toEqual({
      user: "from-file",
      password: "env",
      availableWhenReadonly: false,
      availableWhenDonor: "always",
      host: "localhost",
      port: 3307,
      timeoutMs: 2000,
    });
  });

  test("the arguments over all of them", () => {
    const args = ["--port", "3308", "from-argument", "p", "0"];
    expect(changes({ args, env, files })).toMatchObject({ user: "from-argument", password: "p", port: 3308 });
    expect(settings({ args, env, files }).availableWhenDonor).toBe("never");
  });

  test("Debian's place for the file, where there is no sysconfig", () => {
    const debian = { "/etc/default/clustercheck": "MYSQL_USERNAME=debian" };
    expect(changes({ files: memoryFiles(debian) })).toEqual({ user: "debian" });
    const both = memoryFiles({ ...debian, "/etc/sysconfig/clustercheck": sysconfig });
    expect(changes({ files: both })).toMatchObject({ user: "from-file" });
  });

  test("a user or password set to nothing is left to the option files", () => {
    expect(changes({ env: { MYSQL_USERNAME: "", MYSQL_PASSWORD: "" } })).toEqual({
      user: "",
      password: undefined,
    });
  });

  test("a password file replaces the default password", () => {
    expect(settings({ args: ["--password-file", "/secret"] }).password).toBeUndefined();
  });
});

test.each([
  [
    "AVAILABLE_WHEN_DONOR",
    "maybe",
    "is not one of the possible words; expected never, nonblocking or always (also 0, 1)",
  ],
  [
    "AVAILABLE_WHEN_READONLY",
    "2",
    "is neither true nor false; expected true or false (also yes, on, 1; no, off, 0)",
  ],
  ["MYSQL_PORT", "x", "is not a whole number; expected a port from 1 to 65535"],
])("%s=%s is refused", (name, value, message) => {
  expect(() => settings({ env: { [name]: value } })).toThrow(
    new SluiceError("USAGE", `${name}=${value} ${message}`),
  );
});
