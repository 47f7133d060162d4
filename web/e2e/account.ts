import { createHmac } from 'node:crypto';
import { expect, type CDPSession, type Page } from '@playwright/test';
import type { Person } from './people';

/** The newest link to a page in the demo's mailbox, of a letter to this address. */
export async function mailedLink(person: Person, email: string, page: string): Promise<string> {
  let link: string | undefined;
  await expect
    .poll(async () => {
      const answer = await person.context.request.get('/mailbox');
      link = newest(await answer.text(), email, page);
      return link;
    }, `a letter to ${email} with a link to ${page}`)
    .toBeDefined();
  return link!;
}

/** Letters stand in the mailbox with the newest first. */
function newest(html: string, email: string, page: string): string | undefined {
  const text = html.replaceAll('&amp;', '&').replaceAll('&#43;', '+');
  for (const letter of text.split('<article').slice(1)) {
    if (!letter.includes(email)) continue;
    const link = new RegExp(`https?://[^\\s"<]*${page}#token=[^\\s"<]+`).exec(letter)?.[0];
    if (link) return link;
  }
  return undefined;
}

/** Authenticator apps make a code of it for each half minute. */
const step = 30_000;

/** The code of an authenticator app (RFC 6238) for a secret in base32. */
export function totp(secret: string, at = Date.now()): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  const bits = [...secret.replaceAll(/[^A-Z2-7]/g, '')]
    .map((letter) => alphabet.indexOf(letter).toString(2).padStart(5, '0'))
    .join('');
  const bytes = (bits.match(/.{8}/g) ?? []).map((byte) => parseInt(byte, 2));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(at / step)));
  const mac = createHmac('sha1', Buffer.from(bytes)).update(counter).digest();
  const offset = mac[19]! & 0xf;
  return String((mac.readUInt32BE(offset) & 0x7fffffff) % 1_000_000).padStart(6, '0');
}

/** A code counts once: the next one to give is that of the half minute after, which servers take as well. */
export const nextTotp = (secret: string): string => totp(secret, Date.now() + step);

/** Gives the browser a security key that says yes to everything. */
export async function securityKey(page: Page): Promise<CDPSession> {
  const cdp = await page.context().newCDPSession(page);
  await cdp.send('WebAuthn.enable');
  await cdp.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  return cdp;
}
