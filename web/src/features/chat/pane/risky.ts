const mobile = /(?<!\d)01[016-9][-. ]?\d{3,4}[-. ]?\d{4}(?!\d)/;
const card = /(?<!\d)(?:\d{4}[- ]?){3}\d{4}(?!\d)/;
/** Korean accounts: 10 to 14 digits in two to four groups. */
const account = /(?<![\d-])\d{2,6}-\d{2,6}-\d{2,8}(?:-\d{1,3})?(?![\d-])/;

/** Whether a text seems to hold a phone, card or account number: a reason for a quiet word, never for blocking. */
export function risky(text: string): boolean {
  if (mobile.test(text) || card.test(text)) return true;
  const digits = account.exec(text)?.[0].replace(/\D/g, '').length ?? 0;
  return digits >= 10 && digits <= 14;
}
