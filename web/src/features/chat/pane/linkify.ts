export interface Segment {
  readonly text: string;
  /** Where it leads; plain text has none. */
  readonly href?: string;
  /** A page of this mall: opens in place and needs no warning words for search engines. */
  readonly own?: boolean;
}

// ASCII only: browsers copy addresses escaped, and Korean particles are written right behind them.
const address = /https?:\/\/[!-~]+/gi;
const trailing = /[.,:;!?'"]+$/;

/** Cuts a text into plain parts and http(s) links. Nothing else becomes a link, whatever it looks like. */
export function linkify(text: string, origin: string): Segment[] {
  const parts: Segment[] = [];
  let end = 0;
  for (const found of text.matchAll(address)) {
    const raw = trim(found[0]);
    const url = readable(raw);
    if (!url) continue;
    if (found.index > end) parts.push({ text: text.slice(end, found.index) });
    parts.push({ text: raw, href: url.href, own: url.origin === origin });
    end = found.index + raw.length;
  }
  if (end < text.length) parts.push({ text: text.slice(end) });
  return parts;
}

/** Punctuation after an address belongs to the sentence, and so does a bracket that was opened before it. */
function trim(raw: string): string {
  let address = raw.replace(trailing, '');
  while (/[)\]>]$/.test(address) && count(address, ')]>') > count(address, '([<')) {
    address = address.slice(0, -1).replace(trailing, '');
  }
  return address;
}

const count = (text: string, of: string): number => [...text].filter((c) => of.includes(c)).length;

/** Addresses that hide their host behind a user name stay plain text. */
function readable(raw: string): URL | undefined {
  if (!URL.canParse(raw)) return undefined;
  const url = new URL(raw);
  return url.username ||
    url.password ||
    (!url.hostname.includes('.') && url.hostname !== 'localhost')
    ? undefined
    : url;
}
