import type { Locale } from './i18n/locale.svelte';

/** The mall keeps Korean time wherever it is looked at from. */
const timeZone = 'Asia/Seoul';
/** Korea has not changed its clocks since 1988, so the offset is a constant. */
const kstOffset = 9 * 3_600_000;
const dayLength = 86_400_000;

const tags: Record<Locale, string> = { ko: 'ko-KR', en: 'en-US' };
const made = new Map<string, Intl.DateTimeFormat>();

function formatter(locale: Locale, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = locale + JSON.stringify(options);
  let format = made.get(key);
  if (!format) {
    format = new Intl.DateTimeFormat(tags[locale], { timeZone, ...options });
    made.set(key, format);
  }
  return format;
}

/** The number of the Korean calendar day that holds this moment (ms since 1970, UTC). */
export const kstDay = (at: number): number => Math.floor((at + kstOffset) / dayLength);

/** The number of the minute that holds this moment. */
export const minute = (at: number): number => Math.floor(at / 60_000);

/** "오후 3:20" / "3:20 PM". Written here because engines disagree on the Korean words for AM and PM. */
export function clock(at: number, locale: Locale): string {
  const minutes = Math.floor((at + kstOffset) / 60_000) % 1440;
  const hour = Math.floor(minutes / 60);
  const face = `${hour % 12 || 12}:${String(minutes % 60).padStart(2, '0')}`;
  if (locale === 'ko') return `${hour < 12 ? '오전' : '오후'} ${face}`;
  return `${face} ${hour < 12 ? 'AM' : 'PM'}`;
}

/** "2026년 11월 22일 일요일" */
export function fullDate(at: number, locale: Locale): string {
  return formatter(locale, { dateStyle: 'full' }).format(at);
}

/** The whole moment, for titles: date, weekday and time. */
export function fullMoment(at: number, locale: Locale): string {
  return `${fullDate(at, locale)} ${clock(at, locale)}`;
}

/** How lists show a moment: today the time, then "어제", this year the day, else the date. */
export function brief(at: number, now: number, locale: Locale): string {
  const age = kstDay(now) - kstDay(at);
  if (age <= 0) return clock(at, locale);
  if (age === 1) return locale === 'ko' ? '어제' : 'Yesterday';
  const year = { year: 'numeric' } as const;
  const sameYear = formatter('en', year).format(at) === formatter('en', year).format(now);
  const month = locale === 'ko' && !sameYear ? 'numeric' : locale === 'ko' ? 'long' : 'short';
  return formatter(locale, { month, day: 'numeric', ...(sameYear ? {} : year) }).format(at);
}

/** "1시간 5분" / "1 h 5 min"; anything under a minute is "1분 미만". */
export function duration(ms: number, locale: Locale): string {
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 1) return locale === 'ko' ? '1분 미만' : 'under a minute';
  const days = Math.floor(minutes / 1440);
  const hours = Math.floor((minutes % 1440) / 60);
  const rest = minutes % 60;
  const unit = locale === 'ko' ? ['일', '시간', '분'] : [' d', ' h', ' min'];
  const parts = [days, hours, days ? 0 : rest].map((n, i) => (n ? `${n}${unit[i]}` : ''));
  return parts.filter(Boolean).join(' ');
}
