/** Whether a pattern of SQL fits a text: % is any text, _ any letter, and a backslash takes the next one as it is. */
export function matchesPattern(pattern: string, text: string): boolean {
  let at = 0;
  let inText = 0;
  // Where to go on from after the last %, should the rest not fit: that % then stands for one letter more.
  let retryAt = -1;
  let retryInText = 0;
  while (inText < text.length) {
    const isEscaped = pattern[at] === "\\" && at + 1 < pattern.length;
    const letter = isEscaped ? pattern[at + 1] : pattern[at];
    if (!isEscaped && letter === "%") {
      retryAt = ++at;
      retryInText = inText;
    } else if (letter !== undefined && ((!isEscaped && letter === "_") || letter === text[inText])) {
      at += isEscaped ? 2 : 1;
      inText++;
    } else if (retryAt >= 0) {
      at = retryAt;
      inText = ++retryInText;
    } else {
      return false;
    }
  }
  while (pattern[at] === "%") at++;
  return at === pattern.length;
}
