export const FIREWALL = "firewall";

export const letIn = (port: number): string => `let TCP port ${port} in from the balancers`;

/** Is the port within `[low, high]`, or equal to `[port]`? */
export function covers([low, high]: readonly unknown[], port: number): boolean {
  return port >= Number(low) && port <= Number(high ?? low);
}
