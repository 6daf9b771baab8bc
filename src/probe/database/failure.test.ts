import { describe, expect, test } from "bun:test";
import { classifyFailure, deadlineFailure } from "./failure.ts";

const error = (fields: object, message = "said so"): Error => Object.assign(new Error(message), fields);

describe("every way to fail has its code", () => {
  test.each([
    [{ code: "ECONNREFUSED" }, "PROBE_REFUSED"],
    [{ code: "ENOENT" }, "PROBE_SOCKET_MISSING"],
    [{ code: "ETIMEDOUT" }, "PROBE_CONNECT_TIMEOUT"],
    [{ code: "EHOSTUNREACH" }, "PROBE_NO_ROUTE"],
    [{ code: "ENETUNREACH" }, "PROBE_NO_ROUTE"],
    [{ code: "ENOTFOUND" }, "PROBE_NAME_NOT_FOUND"],
    [{ code: "EAI_AGAIN" }, "PROBE_NAME_NOT_FOUND"],
    [{ code: "ECONNRESET" }, "PROBE_CONNECTION_LOST"],
    [{ errno: 1045, code: "ER_ACCESS_DENIED_ERROR" }, "PROBE_AUTH_DENIED"],
    [{ errno: 1698 }, "PROBE_AUTH_DENIED"],
    [{ errno: 1040 }, "PROBE_TOO_MANY_CONNECTIONS"],
    [{ errno: 1129 }, "PROBE_HOST_BLOCKED"],
    [{ errno: 1130 }, "PROBE_HOST_NOT_ALLOWED"],
    [{ errno: 1193 }, "PROBE_UNKNOWN_VARIABLE"],
    [{ errno: 1227 }, "PROBE_PRIVILEGE_MISSING"],
    [{ errno: 1047 }, "PROBE_NOT_PREPARED"],
    [{ errno: 1969 }, "PROBE_QUERY_TIMEOUT"],
    [{ errno: 45023 }, "PROBE_TLS_NOT_OFFERED"],
    [{ code: "DEPTH_ZERO_SELF_SIGNED_CERT" }, "PROBE_TLS_CERTIFICATE"],
    [{ code: "CERT_HAS_EXPIRED" }, "PROBE_TLS_CERTIFICATE"],
    [{ code: "ERR_TLS_CERT_ALTNAME_INVALID" }, "PROBE_TLS_CERTIFICATE"],
    [{ code: "ERR_SSL_WRONG_VERSION_NUMBER" }, "PROBE_TLS_FAILED"],
    [{ cause: { code: "ECONNREFUSED" } }, "PROBE_REFUSED"],
    [{}, "PROBE_PROTOCOL"],
  ] as const)("%o", (fields, code) => {
    expect(classifyFailure(error(fields), "login", "db1:3306").code).toBe(code);
  });

  test("an unknown server error is a failed query, with the server's words", () => {
    const failure = classifyFailure(
      error({ errno: 1234 }, "(conn:7, no: 1234, SQLState: HY000) odd\nthing"),
      "query",
      "db1:3306",
    );
    expect(failure).toEqual({
      code: "PROBE_QUERY_FAILED",
      detail: "db1:3306: error 1234: odd thing",
      errno: 1234,
    });
  });

  test("anything may be thrown", () => {
    expect(classifyFailure("odd", "connect", "db1").code).toBe("PROBE_PROTOCOL");
    expect(classifyFailure(undefined, "query", "db1").code).toBe("PROBE_QUERY_FAILED");
  });
});

test("a deadline says at which step the server hung", () => {
  expect(deadlineFailure("login", "db1:3306", 1000)).toEqual({
    code: "PROBE_LOGIN_TIMEOUT",
    detail: "db1:3306 did not answer the login within 1000 ms: it hangs",
    errno: undefined,
  });
});
