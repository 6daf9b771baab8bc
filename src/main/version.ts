// Put in by scripts/build.sh; a run from source has neither.
declare const SLUICE_VERSION: string;
declare const SLUICE_COMMIT: string;

export const VERSION = typeof SLUICE_VERSION === "string" ? SLUICE_VERSION : "0.0.0-source";
export const COMMIT = typeof SLUICE_COMMIT === "string" ? SLUICE_COMMIT : "source";
