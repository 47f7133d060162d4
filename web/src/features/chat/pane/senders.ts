import type { Message, Room, Side } from '../../../sdk';
import type { PaneTexts } from './i18n';

/** Who wrote a message, as this side says it: a buyer chats with the shop, the staff with people. */
export function senderName(
  message: Message,
  room: Room | undefined,
  side: Side,
  t: PaneTexts,
): string {
  if (message.byMe) return t.me;
  if (message.sender.party === 'system') return t.mall;
  if (message.sender.party === 'shop' && side === 'buyer') return room?.shop.name ?? '';
  if (message.sender.name) return message.sender.name;
  return (message.sender.party === 'buyer' ? room?.buyer : room?.shop)?.name ?? '';
}
