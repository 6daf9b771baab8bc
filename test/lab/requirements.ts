import { fileURLToPath } from "node:url";
import { LabError } from "./lab-error.ts";
import { run } from "./run.ts";

const SETUP = fileURLToPath(new URL("../../scripts/setup.sh", import.meta.url));
let isMet: Promise<void> | undefined;

/** Rejects with what is missing and how to get it. Never a reason to skip a test: a lab that cannot be is a failure. */
export async function checkRequirements(): Promise<void> {
  isMet ??= check();
  await isMet;
}

async function check(): Promise<void> {
  if (process.platform !== "linux")
    throw new LabError("the lab is made of Linux namespaces; this is not Linux");
  if (process.getuid?.() !== 0) {
    throw new LabError(
      "the lab makes network namespaces and so needs root; run this as root, e.g. with sudo",
    );
  }
  const missing = (await run(["bash", SETUP, "missing"])).stdout.trim();
  if (missing) {
    throw new LabError(
      `the lab needs these Debian packages: ${missing.split(/\s+/).join(" ")}; install them with: scripts/setup.sh system`,
    );
  }
  const allowed = await run(["unshare", "--net", "--pid", "--mount", "--fork", "--mount-proc", "true"], {
    mayFail: true,
  });
  if (allowed.code !== 0) {
    throw new LabError(
      `this machine does not let root make namespaces (a container without privileges?): ${allowed.stderr.trim()}`,
    );
  }
}
