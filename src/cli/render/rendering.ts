import type { Configuration } from "../../config/configuration.ts";
import { SluiceError } from "../../errors/sluice-error.ts";
import { fleetOf, type RenderedFleet } from "../../render/rendered-fleet.ts";
import type { OptionTable, OptionValues } from "../command.ts";

/** What `sluice render` can make: its options, and the text from them. */
interface TypedRendering<O extends OptionTable> {
  readonly summary: string;
  readonly options: O;
  render(sources: RenderSources, values: OptionValues<O>): RenderedFile;
}

/** One of them, whatever its options. */
export type Rendering = TypedRendering<OptionTable>;

/** Has the compiler check the values against the options. */
export const rendering = <O extends OptionTable>(one: TypedRendering<O>): Rendering => one;

export interface RenderedFile {
  readonly text: string;
  /** Of a file that is not there yet. */
  readonly mode: number;
}

/** What a rendering may ask for; each is read when it is asked for. */
export interface RenderSources {
  /** Path of the configuration. */
  readonly configPath: string;
  readonly configuration: () => Configuration;
  /** The monitor or service that --of names. */
  readonly of: string | undefined;
  /** Path of the executable on the host that the text is for. */
  readonly sluice: string;
}

export const fleetFrom = ({ configuration, of }: RenderSources): RenderedFleet =>
  fleetOf(configuration(), of);

/** The value of an option that has no default. */
export function needed<T>(value: T | undefined, option: string, example: string): T {
  if (value !== undefined) return value;
  throw new SluiceError("USAGE", `--${option} is missing, such as --${option} ${example}`);
}
