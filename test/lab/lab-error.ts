/** The lab itself cannot do what was asked: not a failed expectation, but a test bed that is not there. */
export class LabError extends Error {
  override readonly name = "LabError";
}
