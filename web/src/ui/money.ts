import type { Locale } from './i18n/locale.svelte';

const digits = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

/** Integer won for people: "39,000원" in Korean, "₩39,000" in English. */
export function won(amount: number, locale: Locale): string {
  return locale === 'ko' ? `${digits.format(amount)}원` : `₩${digits.format(amount)}`;
}

/** How many percent a price lies below the price before the sale; 0 when there is no sale to speak of. */
export function percentOff(price: number, listPrice: number | undefined): number {
  if (!listPrice || listPrice <= price) return 0;
  return Math.floor(((listPrice - price) * 100) / listPrice);
}
