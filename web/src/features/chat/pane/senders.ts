import type { Conversation, Message, Side } from '../../../sdk';
import type { TalkTexts } from './i18n';

/** Who wrote a message, as this side says it: a buyer talks with the shop, the staff with people. */
export function senderName(
  message: Message,
  conversation: Conversation | undefined,
  side: Side,
  t: TalkTexts,
): string {
  if (message.byMe) return t.me;
  if (message.sender.party === 'system') return t.mall;
  if (message.sender.party === 'shop' && side === 'buyer') return conversation?.shop.name ?? '';
  if (message.sender.name) return message.sender.name;
  return (message.sender.party === 'buyer' ? conversation?.buyer : conversation?.shop)?.name ?? '';
}
