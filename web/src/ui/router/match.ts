/** Route names and their patterns: segments that start with a colon are parameters. */
export type Patterns = Record<string, string>;

export interface Match<Name extends string> {
  readonly name: Name;
  readonly params: Readonly<Record<string, string>>;
}

/** The first route whose pattern fits the path, or undefined. A slash at the end makes no difference. */
export function match<P extends Patterns>(
  patterns: P,
  pathname: string,
): Match<Extract<keyof P, string>> | undefined {
  const path = segments(pathname);
  for (const name of Object.keys(patterns) as Extract<keyof P, string>[]) {
    const params = fit(segments(patterns[name] ?? ''), path);
    if (params) return { name, params };
  }
  return undefined;
}

function fit(pattern: string[], path: string[]): Record<string, string> | undefined {
  if (pattern.length !== path.length) return undefined;
  const params: Record<string, string> = {};
  for (const [i, want] of pattern.entries()) {
    const have = path[i] ?? '';
    if (want.startsWith(':')) params[want.slice(1)] = decode(have);
    else if (want !== have) return undefined;
  }
  return params;
}

const segments = (path: string): string[] => path.split('/').filter(Boolean);

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
