import type { Buyer } from '../../../kit/buyer/context';
import type { OpenAbout } from '../../../sdk';
import { why } from '../../../ui/errors';
import { texts } from '../../../ui/i18n';
import { toast } from '../../../ui/toasts.svelte';
import { inquiryWords } from './i18n';

/** Opens the room about something beside the page, after signing in where that is needed. Never rejects. */
export async function ask(buyer: Buyer, about: OpenAbout): Promise<void> {
  if (!(await buyer.session.require())) return;
  try {
    await buyer.chats.use(buyer.session.me?.member);
    buyer.router.query({ chat: await buyer.chats.open(about) });
  } catch (error) {
    toast(texts.t.errors.because(inquiryWords.t.askFailed, why(error, texts.t)));
  }
}
