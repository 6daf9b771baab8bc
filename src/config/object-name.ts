/** Names stand in URLs, file names and firewall rules. Blanks are for old MaxScale files (`[CLI Listener]`). */
const OBJECT_NAME = /^[A-Za-z0-9_.~-]+( +[A-Za-z0-9_.~-]+)*$/;
export const OBJECT_NAME_WORDS = "letters, digits and _ . ~ - (blanks inside too), at most 80 characters";

export function isObjectName(text: string): boolean {
  return text.length <= 80 && OBJECT_NAME.test(text) && text !== "." && text !== "..";
}
