import type { Message } from '../../../sdk';
import type { Texts } from '../../../ui/i18n';
import type { SellerTexts } from '../../../kit/seller/i18n';

/** The last message in one line: who on our side wrote it, then what it says. */
export function preview(last: Message | undefined, shared: Texts, own: SellerTexts): string {
  if (!last) return own.inbox.noMessage;
  const text = line(last, shared);
  if (!last.mine || last.kind === 'notice') return text;
  return own.inbox.from(last.byMe ? own.inbox.you : (last.sender.name ?? own.inbox.you), text);
}

function line(message: Message, shared: Texts): string {
  if (message.kind === 'notice') {
    const notices: Record<string, string | undefined> = shared.chat.notices;
    return notices[message.body] ?? shared.chat.noticeUnknown;
  }
  return message.body.replace(/\s+/g, ' ').trim() || (message.card?.title ?? '');
}
