import { kstDay } from '../../../ui/time';
import type { InquiryWords } from './i18n';

interface Seen {
  readonly online?: boolean | undefined;
  /** When they were last here, server time. */
  readonly seenAt?: number | undefined;
}

/** Presence in words and coarse steps: now, minutes ago, today, or nothing at all. */
export function presence(peer: Seen, now: number, t: InquiryWords): string {
  if (peer.online) return t.presence.now;
  if (peer.seenAt === undefined) return '';
  const minutes = Math.max(1, Math.floor((now - peer.seenAt) / 60_000));
  if (minutes < 60) return t.presence.minutes(minutes);
  return kstDay(peer.seenAt) === kstDay(now) ? t.presence.today : '';
}
